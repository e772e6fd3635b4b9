// Command torchwood reads ledgers with software that knows nothing of Veche: the transparency-log client
// filippo.io/torchwood and golang.org/x/mod/sumdb. The tests beside it compare what both say.
//
// It reads one JSON request a line and answers each with one line of JSON, {"error": "..."} if a check failed.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

type request struct {
	Do string `json:"do"` // one of: ledger, prove, checkpoint, receipt, consistency

	Folder     string   `json:"folder"`     // of tiles
	Policy     string   `json:"policy"`     // c2sp.org/tlog-policy
	Checkpoint []byte   `json:"checkpoint"` // a signed note
	Receipt    []byte   `json:"receipt"`    // a tlog-proof
	Entry      []byte   `json:"entry"`
	Index      int64    `json:"index"`
	Old        int64    `json:"old"`
	New        int64    `json:"new"`
	OldRoot    []byte   `json:"old_root"`
	NewRoot    []byte   `json:"new_root"`
	Proof      [][]byte `json:"proof"`
}

type answer struct {
	Error       string           `json:"error,omitempty"`
	Origin      string           `json:"origin,omitempty"`
	Size        int64            `json:"size"`
	Root        []byte           `json:"root,omitempty"`
	Entries     int64            `json:"entries"`
	Digest      string           `json:"digest,omitempty"` // SHA-256 over all entries, each after its length in 4 bytes
	Inclusion   [][]byte         `json:"inclusion,omitempty"`
	Consistency [][]byte         `json:"consistency,omitempty"`
	Times       map[string]int64 `json:"times,omitempty"` // of cosignatures, by the name of the key
}

func main() {
	log.SetFlags(0)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var q request
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			log.Fatal(err)
		}
		a, err := do(q)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := out.Encode(a); err != nil {
			log.Fatal(err)
		}
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}

func do(q request) (answer, error) {
	switch q.Do {
	case "ledger":
		return ledger(q)
	case "prove":
		return prove(q)
	case "checkpoint":
		policy, err := torchwood.ParsePolicy([]byte(q.Policy))
		if err != nil {
			return answer{}, err
		}
		return checkpoint(q.Checkpoint, policy)
	case "receipt":
		policy, err := torchwood.ParsePolicy([]byte(q.Policy))
		if err != nil {
			return answer{}, err
		}
		return answer{}, torchwood.VerifyProof(policy, tlog.RecordHash(q.Entry), q.Receipt)
	case "consistency":
		proof, err := hashes(q.Proof)
		if err != nil {
			return answer{}, err
		}
		roots, err := hashes([][]byte{q.OldRoot, q.NewRoot})
		if err != nil {
			return answer{}, err
		}
		return answer{}, tlog.CheckTree(proof, q.New, roots[1], q.Old, roots[0])
	}
	return answer{}, fmt.Errorf("unknown request %q", q.Do)
}

// checkpoint verifies a checkpoint against a policy.
func checkpoint(data []byte, policy torchwood.Policy) (answer, error) {
	c, n, err := torchwood.VerifyCheckpoint(data, policy)
	if err != nil {
		return answer{}, err
	}
	a := answer{Origin: c.Origin, Size: c.N, Root: c.Hash[:], Times: make(map[string]int64)}
	for _, sig := range n.Sigs {
		if sig.Name != c.Origin {
			if a.Times[sig.Name], err = torchwood.CosignatureTimestamp(sig); err != nil {
				return answer{}, err
			}
		}
	}
	return a, nil
}

// open verifies a folder's checkpoint and returns a client of its tiles.
func open(q request) (answer, tlog.Tree, torchwood.TileReader, *torchwood.Client, error) {
	var tree tlog.Tree
	policy, err := torchwood.ParsePolicy([]byte(q.Policy))
	if err != nil {
		return answer{}, tree, nil, nil, err
	}
	tiles, err := torchwood.NewTileFS(os.DirFS(q.Folder))
	if err != nil {
		return answer{}, tree, nil, nil, err
	}
	data, err := tiles.ReadEndpoint(context.Background(), "checkpoint")
	if err != nil {
		return answer{}, tree, nil, nil, err
	}
	a, err := checkpoint(data, policy)
	if err != nil {
		return answer{}, tree, nil, nil, err
	}
	client, err := torchwood.NewClient(tiles)
	copy(tree.Hash[:], a.Root)
	tree.N = a.Size
	return a, tree, tiles, client, err
}

// ledger reads all entries; the client checks each against the tree of the checkpoint.
func ledger(q request) (answer, error) {
	a, tree, _, client, err := open(q)
	if err != nil {
		return answer{}, err
	}
	digest := sha256.New()
	for i, entry := range client.AllEntries(context.Background(), tree, 0) {
		if i != a.Entries {
			return answer{}, fmt.Errorf("entry %d where %d was expected", i, a.Entries)
		}
		a.Entries++
		digest.Write([]byte{0, 0, byte(len(entry) >> 8), byte(len(entry))})
		digest.Write(entry)
	}
	if err := client.Err(); err != nil {
		return answer{}, err
	}
	a.Digest = hex.EncodeToString(digest.Sum(nil))
	return a, nil
}

// prove makes the proofs for one entry and between two trees out of the tiles of a folder.
func prove(q request) (answer, error) {
	a, tree, tiles, client, err := open(q)
	if err != nil {
		return answer{}, err
	}
	entry, inclusion, err := client.Entry(context.Background(), tree, q.Index)
	if err != nil {
		return answer{}, err
	}
	if !bytes.Equal(entry, q.Entry) {
		return answer{}, errors.New("another entry is at this index")
	}
	reader := torchwood.TileHashReaderWithContext(context.Background(), tree, tiles)
	consistency, err := tlog.ProveTree(q.New, q.Old, reader)
	if err != nil {
		return answer{}, err
	}
	for _, h := range inclusion {
		a.Inclusion = append(a.Inclusion, h[:])
	}
	for _, h := range consistency {
		a.Consistency = append(a.Consistency, h[:])
	}
	return a, nil
}

func hashes(data [][]byte) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, d := range data {
		if len(d) != tlog.HashSize {
			return nil, fmt.Errorf("%d bytes are not a hash", len(d))
		}
		out = append(out, tlog.Hash(d))
	}
	return out, nil
}
