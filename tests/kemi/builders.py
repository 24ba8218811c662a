"""Records, questions, verdicts and policies: valid by default, one keyword per deviation."""

from __future__ import annotations

import hashlib
import re

from base64 import b64decode, b64encode
from pathlib import Path

from authorizer.questions import Question, read_question
from authorizer.rows import coded, forward_row
from epcscf.control.v1 import blocks_pb2
from epcscf.control.v1 import control_pb2 as pb


KEMI = Path(__file__).parents[2] / "kemi"
NOW = 1_700_000_000.25
"Wall clock when records are queued, if nobody says otherwise."


def a_record(
    *,
    door="shop|browser|-",
    stamp="1700000000.250000",
    domain="ims.example",
    to="sip:alice@ims.example",
    call_id="c1",
    authorization="Bearer t0ken",
):
    """Write a record as routes/ask.cfg does: text may be bytes that are no UTF-8."""
    sent = {"tu": _raw(to), "ci": _raw(call_id), "hdr(Authorization)": _raw(authorization)}
    digest = hashlib.sha256(sent["hdr(Authorization)"]).hexdigest()
    seconds, microseconds = stamp.split(".")
    expanded = {
        "$var(ep_door)": door,
        "$TV(s)": seconds,
        "$TV(u)": microseconds,
        "$(var(ep_key){s.select,0,|})": digest,
        "$(rd{s.tolower})": domain,
        **{f"$({name}{{s.encode.base64}})": b64encode(sent[name]).decode() for name in sent},
    }
    return _VARIABLE.sub(lambda variable: expanded[variable[0]], _TEMPLATE)


def _raw(text):
    return text if isinstance(text, bytes) else text.encode()


_TEMPLATE = re.search(
    r'mq_add\("ep_ask", "\$T\(id_index\):\$T\(id_label\)",\s*"(.*)"\)',
    (KEMI / "routes" / "ask.cfg").read_text(),
)[1]
_VARIABLE = re.compile(r"\$\w+\(\w+\)|\$\([^{}]+\{[\w.,|]+\}\)")


def a_question(transaction="1:1", **deviations) -> Question:
    return read_question(transaction, a_record(**deviations))


def a_forward(number=1, *, scope="shop/waf", stamp="1.1.1", keep=900, decision="d1", **fields):
    """A verdict that forwards; *fields* are those of Forward."""
    forward = {
        "impi": "alice@ims.example",
        "impu": "sip:alice@ims.example",
        "subject": "ab12",
        "token_expires_at": 1_700_003_600,
        "margin_seconds": 30,
        "minimum_seconds": 60,
        "request_uri": "sip:ims.example",
        "authorization": 'Digest username="alice@ims.example",integrity-protected="auth-done"',
        "visited_network_id": "ims.example",
        "charging_parameters": "icid-generated-at=epcscf.ims.example",
        "next_hop_set": 1,
        "expired_challenge": 'Bearer realm="ims.example", error="invalid_token"',
        **fields,
    }
    return pb.Verdict(
        id=number,
        decision_id=decision,
        forward=pb.Forward(**forward),
        keep_seconds=keep,
        stamp=pb.Stamp(scope=scope, value=stamp),
    )


def a_refusal(number=1, *, keep=30, decision="d1", revision=7, **fields):
    """A verdict that refuses; *fields* are those of Refuse."""
    refuse = {
        "status": 403,
        "phrase": "Forbidden",
        "connection": pb.CONNECTION_CLOSE,
        **fields,
    }
    return pb.Verdict(
        id=number,
        decision_id=decision,
        refuse=pb.Refuse(**refuse),
        keep_seconds=keep,
        revision=revision,
    )


def an_acceptance(number=1, *, keep=900, stamp="1.1.1", **fields):
    """A verdict that accepts; *fields* are those of Accept."""
    accept = {
        "impi": "guest7@hotel.example",
        "impu": "sip:guest7@ims.example",
        "subject": "cd34",
        "token_expires_at": 1_700_003_600,
        "margin_seconds": 30,
        "minimum_seconds": 60,
        "associated_uri": "<sip:guest7@ims.example>",
        "expired_challenge": 'Bearer realm="ims.example"',
        **fields,
    }
    return pb.Verdict(
        id=number,
        decision_id="d1",
        accept=pb.Accept(**accept),
        keep_seconds=keep,
        stamp=pb.Stamp(scope="shop/waf", value=stamp),
    )


def an_account(wwsf="shop", **fields):
    """A block in registration mode, as the sidecar tells of it."""
    usual = {
        "wwsf": wwsf,
        "pilot": f"sip:{wwsf}@ims.example",
        "impi": f"{wwsf}@ims.example",
        "mode": blocks_pb2.BlockAccount.REGISTRATION,
        "account": f"account of {wwsf}",
        "realm": "ims.example",
        "addresses": ["192.0.2.0/24"],
        "ranges": ["sip:wic!.*!@ims.example"],
    }
    return blocks_pb2.BlockAccount(**{**usual, **fields})


def a_policy(
    *,
    revision=7,
    origins=(("https://shop.example", "shop"),),
    certificates=(("ab" * 32, "shop"),),
    domains=(("ims.example", 1),),
    rules=(("shop", True, False),),
    stamps=(("shop/waf", "1.1.1"),),
    challenges=(("shop", ('Bearer realm="ims.example"',)),),
    blocks=("shop",),
):
    return pb.PolicyView(
        revision=revision,
        origins=[pb.AdmittedOrigin(origin=origin, wwsf=wwsf) for origin, wwsf in origins],
        certificates=[pb.AdmittedCertificate(sha256=sha, wwsf=w) for sha, w in certificates],
        domains=[
            pb.ServedDomain(
                domain=domain,
                next_hop_set=hops,
                visited_network_id=f'"{domain}"',
                charging_parameters="icid-generated-at=edge.example",
            )
            for domain, hops in domains
        ],
        wwsfs=[
            pb.WwsfRules(wwsf=wwsf, tokens=tokens, digest=digest, max_registrations=9)
            for wwsf, tokens, digest in rules
        ],
        stamps=[pb.Stamp(scope=scope, value=value) for scope, value in stamps],
        challenges=[
            pb.Challenge(wwsf=wwsf, domain="ims.example", challenges=values)
            for wwsf, values in challenges
        ],
        blocks=map(an_account, blocks),
    )


def selected(row, number):
    """Read a field as the native routes do: `{s.select,number,|}`."""
    return row.split("|")[number]


def decoded(row, number):
    """Read a field that is text: `{s.select,number,|}{s.decode.base64}`."""
    return b64decode(selected(row, number), validate=True).decode()


def a_binding(
    number=1, *, impu="sip:alice@ims.example", wwsf="shop", contact="sip:a@x.invalid", **fields
):
    """A registration as routes/bindings.cfg keeps it: its key, and its row."""
    row = forward_row(a_forward(impu=impu, **fields))
    own = (wwsf, "c0ffee", coded(contact), f"<{impu}>, <tel:+15550100>", "<sip:orig@s;lr>")
    return f"{number}|{coded(impu)}", "|".join((row, *own))
