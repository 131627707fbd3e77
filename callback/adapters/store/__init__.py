"""The record: SQL, the truth that everything else can be rebuilt from.

`tables` and the migrations say what is kept; `promises`, `listings`, `calls`, `messages`, `journal`, `configuration`
and `people` are the verbs of one transaction, joined in `sql_store`; `sealed` keeps personal data unreadable at rest.
"""
