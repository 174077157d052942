"""What Campfire can do, as plain functions on the database.

No asyncio, no HTTP and no templates here: a first parameter `tx` runs on the writer
and may change and announce, a first parameter `db` only looks.
"""
