"""Markdown of comments and summaries as a forge shows it: CommonMark with tables, and hardly any HTML."""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# only bare tags without attributes: they can fold and shrink a text, never load or run anything
_ALLOWED = re.compile(r"&lt;(/?(?:details|summary|sub|sup|kbd|br)) ?/?&gt;")


class _Renderer(RendererHTML):
    """Escapes HTML beyond a tiny list; links do not tell the other side where they were followed."""

    def html_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        del options, env
        return _tamed(tokens[idx].content)

    def html_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        del options, env
        return _tamed(tokens[idx].content)

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        tokens[idx].attrSet("rel", "noreferrer nofollow")
        return self.renderToken(tokens, idx, options, env)


def _tamed(markup: str) -> str:
    return _ALLOWED.sub(r"<\1>", escape(_COMMENT.sub("", markup)))


# Images are left out: on these pages they would be requests to addresses that a comment names.
_MARKDOWN = (
    MarkdownIt("commonmark", {"html": True}, renderer_cls=_Renderer)
    .enable(["table", "strikethrough"])
    .disable("image")
)


def markdown(text: str | None) -> str:
    """HTML of `text`, safe in a page: what is neither Markdown nor one of a few bare tags is escaped."""
    return str(_MARKDOWN.render(text or ""))
