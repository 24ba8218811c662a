"""Cx messages as an HSS and a stack make them, by a codec that is not the relay's."""

from __future__ import annotations

from cxrelay.diameter import Message
from lab import diameter as other
from lab.cx import (
    CX,
    PUBLIC_IDENTITY,
    SERVER_ASSIGNMENT_TYPE,
    Assignment,
    Command,
    Result,
    allowed_names_avp,
)
from lab.diameter import USER_NAME, VENDOR_3GPP, Avp


IMPI, IMPU = "a@ims.example", "sip:a@ims.example"
SUCCESS = Result(2001, experimental=False)


def message(command, *avps, answer=False, number=1):
    """Make a message of Cx; an answer has the numbers of its request."""
    made = other.Message(
        command, CX, avps, is_request=not answer, hop_by_hop=number, end_to_end=number
    )
    return Message(made.to_bytes())


def read(octets):
    """Read what the relay has made."""
    return other.Message.from_bytes(octets)


def sar(kind=Assignment.REGISTRATION, impi=IMPI):
    names = () if impi is None else (Avp(USER_NAME, impi),)
    return message(
        Command.SERVER_ASSIGNMENT,
        *names,
        Avp(PUBLIC_IDENTITY, IMPU, VENDOR_3GPP),
        Avp(SERVER_ASSIGNMENT_TYPE, kind, VENDOR_3GPP),
    )


def saa(*avps, result=SUCCESS):
    return message(Command.SERVER_ASSIGNMENT, result.avp(), *avps, answer=True)


def names(*wafs, wwsfs=()):
    return allowed_names_avp(wafs, wwsfs)
