"""Memory of the processes of Kamailio, with the eP-CSCF in it and without."""

from __future__ import annotations

import re

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.processes import Memory, memory_of
from bench.rates import Spread, spread
from lab.edge import Edge
from lab.kamailio import Kamailio, Launch


GRPC = "cygrpc"
"The shared object that loading grpcio brings in."

SIP_WORKERS = ("udp receiver", "tcp receiver")
"How core.psx describes the processes that handle requests."

_OURS = re.compile(r"app_python3|kemi/|^ *route\(EPCSCF_")
_EVENT = re.compile(r"(?<=\{ )route\(EPCSCF_\w+\);")
"Routes for events have to be there: modules look for them."
_CORE = re.compile(r"^( *)route\(EPCSCF_CORE\);", re.MULTILINE)
"What is said at its side of the core, in the twin: 200, whatever it is."


def without_us(configuration: str) -> str:
    """Return kamailio.cfg without the eP-CSCF: its routes, its tables and Python are left out."""
    configuration = _CORE.sub(r'\1sl_send_reply("200", "OK");', configuration)
    kept = (line for line in configuration.splitlines(keepends=True) if not _OURS.search(line))
    return _EVENT.sub("exit;", "".join(kept))


def bare_twin(edge: Edge, run_dir: Path) -> Kamailio:
    """Return a Kamailio like *edge*, with the same modules and listeners, but without us."""
    run_dir.mkdir(parents=True, exist_ok=True)
    configuration = run_dir / "kamailio.cfg"
    configuration.write_text(without_us(edge.launch.cfg.read_text()))
    launch: Launch = replace(edge.launch, name="twin", cfg=configuration, run_dir=run_dir)
    return Kamailio(launch, lambda kamailio: kamailio.answers_rpc())


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory of one Kamailio; its shared memory is not in it."""

    workers: Spread
    "PSS of a SIP worker, in bytes."
    authorizer: int
    "PSS of it, in bytes; 0: there is none."
    with_grpc: tuple[str, ...]
    "Descriptions of the processes that have loaded grpcio."


def footprint(kamailio: Kamailio) -> Footprint:
    """Look at all processes of *kamailio*."""
    memories: Mapping[str, Memory] = {
        f"{process['DSC']} {process['PID']}": memory_of(int(process["PID"]))
        for process in kamailio.rpc("core.psx")
    }
    workers = [memory.pss for name, memory in memories.items() if name.startswith(SIP_WORKERS)]
    authorizers = [memory.pss for name, memory in memories.items() if "ep_authorizer" in name]
    return Footprint(
        workers=spread(workers),
        authorizer=sum(authorizers),
        with_grpc=tuple(
            name.rpartition(" ")[0] for name, memory in memories.items() if memory.has(GRPC)
        ),
    )
