"""Write anew what Python knows of ABCI's messages, from the files of the CometBFT that go.mod pins.

    uv run --group protos python cometbft/protos.py

They are gathered in one file under a name of our own: a program that knows another version of them, too, goes on working.
What is written lies in src/veche/engine/cometbft: abci.proto to read, abci_pb2.py and its types to use.
"""

import re
from pathlib import Path

from build import go

SOURCE = Path(__file__).resolve().parents[1] / "src"
INTO = SOURCE / "veche" / "engine" / "cometbft"
HEAD = """\
// ABCI 2.0: what CometBFT asks of an application. Written by cometbft/protos.py from CometBFT {version}, whose authors hold the
// copyright, under the Apache License 2.0.
syntax = "proto3";
package veche.abci;

import "google/protobuf/duration.proto";
import "google/protobuf/timestamp.proto";
"""


def definition(text: str, name: str) -> str:
    """One message or enumeration of the outermost level."""
    (found,) = re.findall(rf"^(?:message|enum) {name} {{(?:}}|.*?^}})\n", text, re.MULTILINE | re.DOTALL)
    return re.sub(r"{\n+", "{\n", found)


def gathered() -> str:
    """All that ABCI's messages consist of, in one file."""
    module, version = go("list", "-m", "-f", "{{.Dir}} {{.Version}}", "github.com/cometbft/cometbft").split()
    parts = [HEAD.format(version=version)]
    for name, only in {
        "crypto/keys": ["PublicKey"],
        "crypto/proof": ["ProofOp", "ProofOps"],
        "types/params": [
            "ConsensusParams", "BlockParams", "EvidenceParams", "ValidatorParams", "VersionParams", "ABCIParams", "AuthorityParams"
        ],
        "types/validator": ["BlockIDFlag"],
        "abci/types": [],
    }.items():  # fmt: skip
        text = (Path(module) / "proto" / "tendermint" / f"{name}.proto").read_text(encoding="utf-8")
        text = re.sub(r"\s*//[^\n]*", "", text)
        text = re.sub(r"\s*\[[^\]]*\](?=;)|^\s*option [^;]*;\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"tendermint\.(?:crypto|types)\.", "", text)
        every = re.findall(r"^(?:message|enum) (\w+) ", text, re.MULTILINE)
        parts += [definition(text, each) for each in only or every]
    return re.sub(r"\n{2,}", "\n\n", "\n".join(parts))


if __name__ == "__main__":
    from grpc_tools import protoc

    file = INTO / "abci.proto"
    file.write_text(gathered(), encoding="utf-8")
    outside = Path(protoc.__file__).parent / "_proto"
    if protoc.main(["", f"-I{SOURCE}", f"-I{outside}", f"--python_out={SOURCE}", f"--pyi_out={SOURCE}", str(file)]):
        raise SystemExit(1)
    types = file.with_name("abci_pb2.pyi")
    types.write_text(
        types.read_text(encoding="utf-8").replace(" _Mapping]", " _Mapping[str, object]]"), encoding="utf-8"
    )
