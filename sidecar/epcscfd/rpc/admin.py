"""Resources for operators: the policy, and what else is like it (google.aip.dev/130 to 136).

* Every method is the same for every kind of resource; a `Form` says what differs, and the methods
  are looked up in the contract, so that a further kind is a further Form.
* Masks are applied to messages inside the transaction that reads and writes, so no edit that
  somebody else makes meanwhile is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import grpc

from google.protobuf import empty_pb2
from google.protobuf.message_factory import GetMessageClass

from epcscf.admin.v1 import policy_pb2
from epcscfd.app.provisioning import carried_over, key_of, name_of
from epcscfd.app.wellformed import check_change, check_resource
from epcscfd.errors import InvalidArgument, quote
from epcscfd.rpc.convert.fields import page_size
from epcscfd.rpc.convert.forms import FORMS


if TYPE_CHECKING:
    from enum import StrEnum

    from google.protobuf.descriptor import ServiceDescriptor
    from google.protobuf.field_mask_pb2 import FieldMask

    from epcscfd.app.provisioning import Resource, ResourceStore, Stored
    from epcscfd.rpc.convert.forms import Form

SERVICE = policy_pb2.DESCRIPTOR.services_by_name["PolicyAdmin"]

ORDERS = "epcscf-orders"
"Trailing metadata of edits that cut somebody off: names of the orders to edges."

REVISION = "epcscf-policy-revision"
Method = Callable[[Any, Any], Awaitable[Any]]
OrdersFor = Callable[["Resource"], Awaitable[tuple[str, ...]]]


class EditWatch(Protocol):
    """Is told who edits."""

    def edited(self, verb: str, name: str, peer: str) -> None:
        """Note that *peer* has done *verb* (`create`, `update`, `bar`) to the resource *name*."""
        ...


@dataclass(frozen=True, slots=True)
class Contract:
    """A service for resources of some kinds."""

    service: ServiceDescriptor
    forms: tuple[Form[Any, Any], ...]
    check: Callable[[Resource], None]
    "Raises InvalidArgument."
    revision: str
    "Trailing metadata of lists: whether anything has changed since another list."
    orders_for: OrdersFor
    "Gives the ids of orders to edges that a resource, as it is now, has led to."


async def no_orders(resource: Resource) -> tuple[str, ...]:
    """Give none: edges have nothing to do with *resource*."""
    del resource
    return ()


class ResourceAdmin:
    """Serves operators."""

    def __init__(self, contract: Contract, store: ResourceStore, watch: EditWatch) -> None:
        self.full_name = contract.service.full_name
        self._contract = contract
        self._store = store
        self._watch = watch

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve every method of the contract on *server*."""
        methods = self._methods()
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                methods[method.name],
                request_deserializer=GetMessageClass(method.input_type).FromString,
                response_serializer=GetMessageClass(method.output_type).SerializeToString,
            )
            for method in self._contract.service.methods
        }
        handler = grpc.method_handlers_generic_handler(self.full_name, handlers)
        server.add_generic_rpc_handlers((handler,))

    def _methods(self) -> dict[str, Method]:
        methods: dict[str, Method] = {}
        for form in self._contract.forms:
            methods[f"Create{form.noun}"] = partial(self._create, form)
            methods[f"Get{form.noun}"] = partial(self._get, form)
            methods[f"List{form.nouns}"] = partial(self._list, form)
            methods[f"Update{form.noun}"] = partial(self._update, form)
            methods[f"Delete{form.noun}"] = partial(self._delete, form)
            for verb, state in form.transitions:
                methods[f"{verb}{form.noun}"] = partial(self._transition, form, (verb, state))
        return methods

    async def _create(self, form: Form[Any, Any], request: Any, context: Any) -> Any:
        key = getattr(request, f"{form.field}_id")
        if not key:
            raise InvalidArgument(f"{form.field}_id", "is needed")
        resource = self._read(form, getattr(request, form.field), key)
        stored = await self._store.create(resource, rehearse=request.validate_only)
        return await self._answer("create", form, stored, (request, context))

    async def _get(self, form: Form[Any, Any], request: Any, _context: Any) -> Any:
        return form.to_proto(await self._store.get(form.kind, form.key(request.name)))

    async def _list(self, form: Form[Any, Any], request: Any, context: Any) -> Any:
        page = await self._store.list(form.kind, page_size(request), request.page_token)
        revision = str(await self._store.revision())
        context.set_trailing_metadata(((self._contract.revision, revision),))
        items = [form.to_proto(stored) for stored in page.items]
        return form.list_response(**{form.fields: items, "next_page_token": page.next_token})

    async def _update(self, form: Form[Any, Any], request: Any, context: Any) -> Any:
        message = getattr(request, form.field)
        key = form.key(message.name)
        _check_mask(form, request.update_mask)

        def change(current: Stored[Any]) -> Any:
            merged = _merged(form.to_proto(current), message, request.update_mask)
            after = self._read(form, merged, key)
            check_change(current.resource, after)
            return carried_over(current.resource, after)

        current = (form.kind, key, message.etag)
        stored = await self._store.update(current, change, rehearse=request.validate_only)
        return await self._answer("update", form, stored, (request, context))

    async def _delete(self, form: Form[Any, Any], request: Any, context: Any) -> Any:
        key = form.key(request.name)
        await self._store.delete(form.kind, key, request.etag)
        self._watch.edited("delete", name_of(form.kind, key), context.peer())
        return empty_pb2.Empty()

    async def _transition(
        self, form: Form[Any, Any], to: tuple[str, StrEnum], request: Any, context: Any
    ) -> Any:
        verb, state = to
        key = form.key(request.name)
        stored = await self._store.update(
            (form.kind, key, request.etag), lambda current: replace(current.resource, state=state)
        )
        self._watch.edited(verb.lower(), name_of(form.kind, key), context.peer())
        await self._tell_orders(stored.resource, context)
        return form.to_proto(stored)

    def _read(self, form: Form[Any, Any], message: Any, key: str) -> Any:
        resource = form.from_proto(message, key)
        self._contract.check(resource)
        return resource

    async def _answer(
        self, verb: str, form: Form[Any, Any], stored: Stored[Any], call: tuple[Any, Any]
    ) -> Any:
        request, context = call
        if not request.validate_only:
            name = name_of(form.kind, key_of(stored.resource))
            self._watch.edited(verb, name, context.peer())
            await self._tell_orders(stored.resource, context)
        return form.to_proto(stored)

    async def _tell_orders(self, resource: Resource, context: Any) -> None:
        if orders := await self._contract.orders_for(resource):
            names = ",".join(f"orders/{each}" for each in orders)
            context.set_trailing_metadata(((ORDERS, names),))


def _check_mask(form: Form[Any, Any], mask: FieldMask) -> None:
    for path in mask.paths:
        known = type(mask)(paths=[path]).IsValidForDescriptor(form.message.DESCRIPTOR)
        if path != "*" and not known:
            raise InvalidArgument("update_mask", f"{quote(path)} is no field of {form.noun}")


def _merged(current: Any, message: Any, mask: FieldMask) -> Any:
    """Give *current* with the fields that *mask* names taken from *message*."""
    if not mask.paths or "*" in mask.paths:
        return message
    mask.MergeMessage(message, current, replace_message_field=True, replace_repeated_field=True)
    return current


class PolicyAdmin(ResourceAdmin):
    """Serves the policy."""

    def __init__(
        self,
        store: ResourceStore,
        watch: EditWatch,
        vet: Callable[[Resource], None],
        orders_for: OrdersFor = no_orders,
    ) -> None:
        """Keep resources in *store* that *vet* lets pass; it raises InvalidArgument.

        *orders_for* tells which orders to edges a resource, as it is now, has led to.
        """

        def check(resource: Resource) -> None:
            check_resource(resource)
            vet(resource)

        super().__init__(Contract(SERVICE, FORMS, check, REVISION, orders_for), store, watch)
