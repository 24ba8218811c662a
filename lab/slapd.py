"""OpenLDAP's slapd with a handful of people, as a directory that an operator may have."""

from __future__ import annotations

import shutil
import socket
import subprocess

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.child import Child
from lab.logfile import LogFile
from lab.ports import free_port


BASE = "dc=ims,dc=example"
READER = f"cn=reader,{BASE}"
READER_PASSWORD = "what the reader knows"

CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.55555.1.1 NAME 'imsImpi' EQUALITY caseExactMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.55555.1.2 NAME 'imsImpu' EQUALITY caseExactMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.55555.2.1 NAME 'imsSubscriber' SUP top AUXILIARY
    MAY ( imsImpi $ imsImpu ) )
pidfile {directory}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "{base}"
directory {directory}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by * none
"""

TREE = """
dn: {base}
objectClass: dcObject
objectClass: organization
dc: ims
o: IMS

dn: {reader}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {password}

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people
"""


@dataclass(frozen=True, slots=True)
class Person:
    """One entry."""

    name: str
    password: str
    impi: str = ""
    impus: Iterable[str] = ()
    rdn: str = ""
    "What tells the entry from others of the same name; empty: the name."

    def ldif(self) -> str:
        """Say the entry."""
        lines = [
            f"dn: cn={self.rdn or self.name},ou=people,{BASE}",
            "objectClass: inetOrgPerson",
            "objectClass: imsSubscriber",
            f"cn: {self.rdn or self.name}",
            f"sn: {self.name}",
            f"uid: {self.name}",
            f"userPassword: {self.password}",
            *([f"imsImpi: {self.impi}"] if self.impi else []),
            *(f"imsImpu: {impu}" for impu in self.impus),
        ]
        return "\n".join(lines) + "\n\n"


class Slapd(Child):
    """One slapd on loopback."""

    def __init__(self, run_dir: Path, people: Iterable[Person]) -> None:
        (run_dir / "data").mkdir(parents=True)
        self.port = free_port()
        config = run_dir / "slapd.conf"
        config.write_text(CONFIG.format(directory=run_dir, base=BASE, reader=READER))
        tree = TREE.format(base=BASE, reader=READER, password=READER_PASSWORD)
        self._add(config, tree + "\n" + "".join(person.ldif() for person in people))
        program = _program("slapd")
        command = (program, "-f", str(config), "-h", f"ldap://127.0.0.1:{self.port}", "-d", "0")
        super().__init__("slapd", command, LogFile(run_dir / "slapd.log"), self._answers)

    def _add(self, config: Path, ldif: str) -> None:
        done = subprocess.run(
            [_program("slapadd"), "-f", str(config)],
            input=ldif,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        if done.returncode != 0:
            raise RuntimeError(f"slapadd: {done.stderr}")

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"ldap://127.0.0.1:{self.port}"


def _program(name: str) -> str:
    return shutil.which(name, path="/usr/sbin:/usr/bin") or name
