"""Write the documents that follow from the code and the results: `make docs`."""

from tests.documents import estimators, methods, strategies

if __name__ == "__main__":
    for file, text in (
        (strategies.FILE, strategies.strategies()),
        (methods.FILE, methods.methods()),
        (estimators.FILE, estimators.estimators()),
    ):
        file.write_text(text, encoding="utf-8")
        print(f"{file.name} written")
