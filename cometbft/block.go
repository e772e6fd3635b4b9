package main

import (
	"fmt"
	"strconv"

	"github.com/cometbft/cometbft/cmd/cometbft/commands"
	cfg "github.com/cometbft/cometbft/config"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
	"github.com/spf13/cobra"
)

// kept is a block and the votes that decided it, as this node has them.
type kept struct {
	Block  *types.Block  `json:"block"`
	Commit *types.Commit `json:"commit"`
}

// blockCommand prints a block and the votes that decided it, as CometBFT writes JSON, so that they can be kept as evidence. CometBFT
// must not be running: it holds a lock on its blocks.
func blockCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "block HEIGHT",
		Short: "Print a block and the votes that decided it",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			height, err := strconv.ParseInt(arguments[0], 10, 64)
			if err != nil {
				return err
			}
			config, err := commands.ParseConfig(command)
			if err != nil {
				return err
			}
			db, err := cfg.DefaultDBProvider(&cfg.DBContext{ID: "blockstore", Config: config})
			if err != nil {
				return err
			}
			defer func() { _ = db.Close() }()
			blocks := store.NewBlockStore(db)
			found := kept{blocks.LoadBlock(height), blocks.LoadSeenCommit(height)}
			if found.Commit == nil { // it is kept of the newest block only; the next one holds the others'
				found.Commit = blocks.LoadBlockCommit(height)
			}
			if found.Block == nil || found.Commit == nil {
				return fmt.Errorf("there is no block %d", height)
			}
			text, err := cmtjson.MarshalIndent(found, "", " ")
			if err != nil {
				return err
			}
			fmt.Println(string(text))
			return nil
		},
	}
}
