"""What is done with a report that is open in a browser."""

MISSING = "\N{EN DASH}"


def cells(tab, field, place="#board"):
    """What stands in a column, from the top."""
    return tab.locator(
        f'{place} .tabulator-cell[tabulator-field="{field}"]'
    ).all_inner_texts()


def full(tab, field, place="#board"):
    """The figures of a column with all their digits, from the top."""
    path = f'{place} .tabulator-cell[tabulator-field="{field}"] [data-full]'
    found = tab.locator(path).evaluate_all("all => all.map(e => e.dataset.full)")
    return [float(text) for text in found]


def clipboard(tab):
    return tab.evaluate("navigator.clipboard.readText()")


def sort(tab, field):
    tab.click(f'#board .tabulator-col[tabulator-field="{field}"] .sorter')


def standings(found):
    return [line.standing for contest in found for line in contest.lines]


def open_first(tab):
    tab.locator("#board .named a").first.click()
    tab.wait_for_selector("#runs .tabulator-row")
