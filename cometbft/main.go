// Command veche-cometbft is CometBFT, with the key-value examples and tools left out: it agrees with other validators on the
// order of a ledger's entries and asks the program that started it what they mean (ABCI, over a socket).
//
// It ends when its standard input does. Whoever starts it holds the other end of that pipe, so it never outlives them, however
// they die.
package main

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cometbft/cometbft/cmd/cometbft/commands"
	"github.com/cometbft/cometbft/libs/cli"
	"github.com/cometbft/cometbft/node"
	"github.com/spf13/cobra"
)

const patience = 10 * time.Second // for an orderly end

func main() {
	start := commands.NewRunNodeCmd(node.DefaultNewNode)
	run := start.RunE
	start.RunE = func(command *cobra.Command, arguments []string) error {
		go endWithParent()
		return run(command, arguments)
	}
	root := commands.RootCmd
	root.Use, root.Short = "veche-cometbft", "The consensus engine of Veche"
	root.AddCommand(start, commands.RollbackStateCmd, beginCommand(), blockCommand())
	if cli.PrepareBaseCmd(root, "VECHE_COMETBFT", filepath.Join(".", "cometbft")).Execute() != nil {
		os.Exit(1) // what was wrong has been said
	}
}

// endWithParent asks for an orderly end once standard input is closed, and then insists.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	time.Sleep(patience)
	os.Exit(1)
}
