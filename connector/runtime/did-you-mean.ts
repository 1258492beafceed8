/** Returns the entry of `known` closest to `word`, ignoring case and separators; undefined if none is close. */
export function nearestWord(word: string, known: Iterable<string>, mostEdits = 2): string | undefined {
  const given = normalizedWord(word)
  // A short word is close to many others: at most a third of it may differ.
  const limit = Math.min(mostEdits, Math.ceil(given.length / 3))
  let best: string | undefined
  let fewest = limit + 1
  for (const candidate of known) {
    const other = normalizedWord(candidate)
    // The program asks at its start for each variable of the environment, so it skips most words early.
    if (Math.abs(other.length - given.length) > limit) continue
    const edits = editDistance(given, other)
    if (edits < fewest) {
      best = candidate
      fewest = edits
    }
  }
  return best
}

/** Returns `; did you mean X?` to append to a message, or an empty string. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const candidate = nearestWord(word, known)
  return candidate === undefined ? '' : `; did you mean ${candidate}?`
}

const normalizedWord = (word: string) => word.toLowerCase().replaceAll(/[-_ ]/g, '')

/** Counts the insertions, deletions and replacements that turn `from` into `to`. */
function editDistance(from: string, to: string) {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [row, letter] of [...from].entries()) {
    const current = [row + 1]
    for (const [column, other] of [...to].entries()) {
      const replaced = cellAt(previous, column) + (letter === other ? 0 : 1)
      current.push(Math.min(replaced, cellAt(previous, column + 1) + 1, cellAt(current, column) + 1))
    }
    previous = current
  }
  return cellAt(previous, to.length)
}

const cellAt = (row: readonly number[], column: number) => row[column] ?? Number.POSITIVE_INFINITY
