"""Hot, warm and cold: one storage over memory, a database and a lake."""
