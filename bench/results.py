"""What was measured, and what it may be."""

import operator
from dataclasses import dataclass
from pathlib import Path

from server import HERE

OPERATORS = {'<=': operator.le, '>=': operator.ge}


class Results:
    """A figure for each row and what of it was measured; in a file a line
    each: row, figure, value, and why where there is no value."""

    def __init__(self):
        self.values = {}
        self.reasons = {}

    def set(self, row, figure, value):
        self.values[row, figure] = value

    def miss(self, row, figure, reason):
        self.reasons[row, figure] = ' '.join(str(reason).split())

    def get(self, row, figure):
        return self.values.get((row, figure))

    def reason(self, row, figure):
        return self.reasons.get((row, figure))

    def write(self, path):
        with open(path, 'w') as file:
            print('row', 'figure', 'value', 'why not', sep='\t', file=file)
            for (row, figure), value in self.values.items():
                print(row, figure, f'{value:.6g}', '', sep='\t', file=file)
            for (row, figure), reason in self.reasons.items():
                print(row, figure, '', reason, sep='\t', file=file)


@dataclass
class Budget:
    row: str
    figure: str
    compare: str
    limit: float
    present: float              # what the guard lets pass
    words: str

    def met(self, value, limit=None):
        return OPERATORS[self.compare](value, limit or self.limit)


def budgets():
    found = []
    for line in Path(HERE / 'budgets').read_text().splitlines():
        if line.startswith('#'):
            continue
        row, figure, limit, present, words = line.split('\t')
        compare, limit = limit.split()
        found.append(Budget(row, figure, compare, float(limit),
                            None if present == '-' else float(present),
                            words))
    return found
