package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cometbft/cometbft/cmd/cometbft/commands"
	cfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/node"
	cmtstate "github.com/cometbft/cometbft/proto/tendermint/state"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"
	"github.com/spf13/cobra"
)

const most = 4 << 20 // bytes that are read of a beginning
const power = 1000   // of each validator, as in the genesis

// beginning is what a ledger that was checked says of a chain, and two headers with the commits that signed them.
type beginning struct {
	AppHash []byte   `json:"app_hash"` // after the block of At
	Changes []change `json:"changes"`  // in ascending order
	At      raw      `json:"at"`
	Next    raw      `json:"next"`
}

// raw is what CometBFT answers when it is asked for a commit.
type raw = json.RawMessage

// change says who the validators are with a block: their consensus keys.
type change struct {
	Height     int64    `json:"height"`
	Validators [][]byte `json:"validators"`
}

// beginCommand is a command that begins a chain in the midst, in an empty data folder, by what is said on the standard input. It
// answers with height and time of the block behind which the chain goes on.
func beginCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "begin",
		Short: "Begin in the midst of a chain",
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := commands.ParseConfig(command)
			if err != nil {
				return err
			}
			said, err := io.ReadAll(io.LimitReader(os.Stdin, most))
			if err != nil {
				return err
			}
			var from beginning
			if err := json.Unmarshal(said, &from); err != nil {
				return err
			}
			genesis, err := types.GenesisDocFromFile(config.GenesisFile())
			if err != nil {
				return err
			}
			state, commit, err := from.state(genesis)
			if err != nil {
				return err
			}
			if err := write(config, state, commit); err != nil {
				return err
			}
			_, err = fmt.Printf("{\"height\": %d, \"time\": %d}\n", state.LastBlockHeight, state.LastBlockTime.Unix())
			return err
		},
	}
}

// state is that of the chain after the block of At. Who the validators are, and whose turn it is to propose, follows from the genesis
// and the ledger's changes; the two headers are believed because over two thirds of these signed them, and they fit each other.
func (from *beginning) state(genesis *types.GenesisDoc) (sm.State, *types.Commit, error) {
	at, err := signedHeader(from.At, genesis.ChainID)
	if err != nil {
		return sm.State{}, nil, err
	}
	next, err := signedHeader(from.Next, genesis.ChainID)
	if err != nil {
		return sm.State{}, nil, err
	}
	state, err := sm.MakeGenesisState(genesis)
	if err != nil {
		return sm.State{}, nil, err
	}
	if at.Height < state.InitialHeight || next.Height != at.Height+1 {
		return sm.State{}, nil, errors.New("these are not two blocks of this chain that follow one another")
	}
	sets := turns{now: state.Validators, next: state.NextValidators}
	if err := sets.pass(state.InitialHeight, at.Height, from.Changes); err != nil {
		return sm.State{}, nil, err
	}
	if err := sets.last.VerifyCommit(genesis.ChainID, at.Commit.BlockID, at.Height, at.Commit); err != nil {
		return sm.State{}, nil, fmt.Errorf("block %d: %w", at.Height, err)
	}
	if err := sets.now.VerifyCommit(genesis.ChainID, next.Commit.BlockID, next.Height, next.Commit); err != nil {
		return sm.State{}, nil, fmt.Errorf("block %d: %w", next.Height, err)
	}
	switch {
	case !bytes.Equal(at.ValidatorsHash, sets.last.Hash()),
		!bytes.Equal(next.ValidatorsHash, sets.now.Hash()),
		!bytes.Equal(next.NextValidatorsHash, sets.next.Hash()):
		return sm.State{}, nil, errors.New("the validators are others than the ledger says")
	case !next.LastBlockID.Equals(at.Commit.BlockID):
		return sm.State{}, nil, errors.New("the second block does not follow the first")
	case !bytes.Equal(next.ConsensusHash, state.ConsensusParams.Hash()):
		return sm.State{}, nil, errors.New("the parameters are others than those of the genesis")
	case !bytes.Equal(next.AppHash, from.AppHash):
		return sm.State{}, nil, errors.New("the blocks lead to another head than the ledger's")
	}
	state.Version = cmtstate.Version{Consensus: next.Version, Software: version.TMCoreSemVer}
	state.LastBlockHeight, state.LastBlockID, state.LastBlockTime = at.Height, at.Commit.BlockID, at.Time
	state.LastValidators, state.Validators, state.NextValidators = sets.last, sets.now, sets.next
	state.LastHeightValidatorsChanged, state.LastHeightConsensusParamsChanged = next.Height+1, next.Height
	state.AppHash, state.LastResultsHash = next.AppHash, next.LastResultsHash
	return state, at.Commit, nil
}

func signedHeader(data raw, chain string) (*types.SignedHeader, error) {
	var answer ctypes.ResultCommit
	if err := cmtjson.Unmarshal(data, &answer); err != nil {
		return nil, err
	}
	if answer.Header == nil || answer.Commit == nil {
		return nil, errors.New("there is no header, or no commit")
	}
	return &answer.SignedHeader, answer.SignedHeader.ValidateBasic(chain)
}

// turns is who decides the last block, the one after it, and the one after that, with whose turn it is to propose. No header says the
// turns, and whoever had others would refuse every proposal: so they are counted from the genesis on, as CometBFT itself does.
type turns struct{ last, now, next *types.ValidatorSet }

// pass counts the blocks from first to last.
func (sets *turns) pass(first, last int64, changes []change) error {
	before := first - 1
	for _, one := range changes {
		if one.Height <= before || one.Height > last {
			return errors.New("the changes of validators are not in the order of the chain")
		}
		sets.quiet(one.Height - before - 1)
		if err := sets.block(one.Validators); err != nil {
			return err
		}
		before = one.Height
	}
	sets.quiet(last - before)
	return nil
}

// block counts one block, with which the validators are these from now on.
func (sets *turns) block(validators [][]byte) error {
	next := sets.next.Copy()
	wanted := map[string]bool{}
	var updates []*types.Validator
	for _, key := range validators {
		if len(key) != ed25519.PubKeySize {
			return errors.New("a consensus key is not of Ed25519")
		}
		public := ed25519.PubKey(key)
		wanted[string(public.Address())] = true
		if !next.HasAddress(public.Address()) {
			updates = append(updates, types.NewValidator(public, power))
		}
	}
	for _, one := range next.Validators {
		if !wanted[string(one.Address)] {
			updates = append(updates, types.NewValidator(one.PubKey, 0))
		}
	}
	if len(updates) > 0 {
		if err := next.UpdateWithChangeSet(updates); err != nil {
			return err
		}
	}
	next.IncrementProposerPriority(1)
	sets.last, sets.now, sets.next = sets.now, sets.next, next
	return nil
}

// quiet counts blocks with which the validators stay. Turns come again after a while (Brent's way to find that out): what is a whole
// number of such rounds need not be counted.
func (sets *turns) quiet(blocks int64) {
	mark, since, long, found := sets.next, int64(0), int64(1), false
	for ; blocks > 0; blocks-- {
		next := sets.next.CopyIncrementProposerPriority(1)
		sets.last, sets.now, sets.next = sets.now, sets.next, next
		if since++; found {
			continue
		}
		if same(mark, next) {
			if found = true; blocks > 4*since {
				blocks = (blocks-1)%since + 2*since + 1
			}
		} else if since == long {
			mark, since, long = next, 0, 2*long
		}
	}
}

func same(one, other *types.ValidatorSet) bool {
	for i, validator := range one.Validators {
		if validator.ProposerPriority != other.Validators[i].ProposerPriority {
			return false
		}
	}
	return true
}

// write puts the state where CometBFT looks for it when it starts.
func write(config *cfg.Config, state sm.State, commit *types.Commit) error {
	blockDB, err := cfg.DefaultDBProvider(&cfg.DBContext{ID: "blockstore", Config: config})
	if err != nil {
		return err
	}
	defer blockDB.Close()
	blocks := store.NewBlockStore(blockDB)
	stateDB, err := cfg.DefaultDBProvider(&cfg.DBContext{ID: "state", Config: config})
	if err != nil {
		return err
	}
	defer stateDB.Close()
	states := sm.NewStore(stateDB, sm.StoreOptions{DiscardABCIResponses: config.Storage.DiscardABCIResponses})
	if before, err := states.Load(); err != nil || !before.IsEmpty() || !blocks.IsEmpty() {
		return errors.Join(errors.New("there is a chain already"), err)
	}
	if _, _, err := node.LoadStateFromDBOrGenesisDocProvider(stateDB, node.DefaultGenesisDocProviderFunc(config)); err != nil {
		return err
	}
	if err := states.Bootstrap(state); err != nil {
		return err
	}
	if err := blocks.SaveSeenCommit(state.LastBlockHeight, commit); err != nil {
		return err
	}
	return states.SetOfflineStateSyncHeight(state.LastBlockHeight)
}
