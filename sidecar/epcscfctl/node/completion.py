"""`completion`: what a shell needs to complete our commands, and names of what there is.

The script for bash is our own. Readline breaks words at `:`, `@` and `=`, which stand in the
middle of IMPUs and IMPIs, and takes what it is given for shell text, while ranges have `!` and `*`
in them: so whole words are read off the line, and what is offered is quoted, from the break on.
"""

from __future__ import annotations

import os

import click

from click.shell_completion import (
    BashComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)


BASH = r"""
%(complete_func)s() {
    local line="${COMP_LINE:0:COMP_POINT}" word type value mark typed=""
    word="${line##*[[:blank:]]}"
    [[ $word == --*=* ]] && word="${word#*=}"
    for mark in @ : =; do
        if [[ $COMP_WORDBREAKS == *"$mark"* && $word == *"$mark"* ]]; then
            value="${word%%"$mark"*}$mark"
            (( ${#value} > ${#typed} )) && typed="$value"
        fi
    done
    COMPREPLY=()
    while IFS=, read -r type value; do
        case "$type" in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                [[ $word == [\"\']* ]] || printf -v value %%q "$value"
                COMPREPLY+=("${value#"$typed"}") ;;
        esac
    done < <(COMP_WORDS="$line" %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    """Completes for bash, by the line up to the cursor."""

    source_template = BASH.lstrip()

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)[1:]
        begun = "" if not words or line[-1].isspace() else words.pop()
        return words, begun


add_completion_class(_Bash, "bash")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    For bash: epcscfctl completion bash > /etc/bash_completion.d/epcscfctl
    """
    maker = get_completion_class(shell)
    if maker is None:
        raise click.UsageError(f"no completion for {shell}")
    root = context.find_root().command
    click.echo(maker(root, {}, "epcscfctl", "_EPCSCFCTL_COMPLETE").source())
