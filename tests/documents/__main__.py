"""Write the documents that follow from the code and the results: `make docs`."""

from tests.documents.strategies import FILE, strategies

if __name__ == "__main__":
    FILE.write_text(strategies(), encoding="utf-8")
    print(f"{FILE.name} written")
