"""Write the documents that follow from the code and the results: `make docs`."""

from tests.documents import estimators, methods, strategies, surrogates

if __name__ == "__main__":
    for file, text in (
        (strategies.FILE, strategies.strategies()),
        (methods.FILE, methods.methods()),
        (estimators.FILE, estimators.estimators()),
        (surrogates.FILE, surrogates.surrogates()),
    ):
        file.write_text(text, encoding="utf-8")
        print(f"{file.name} written")
