"""The grammars, as data: expr.lark is the one expression language of every surface."""
