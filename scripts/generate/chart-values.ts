import { readFileSync } from 'node:fs'
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml'

/** One value of the chart that `helm/values.yaml` documents with a comment starting with `--`. */
export interface ChartValue {
  readonly path: readonly string[]
  readonly default: unknown
  readonly description: string
}

/** Every documented value, in the order of the file. */
export function chartValues(): readonly ChartValue[] {
  const text = readFileSync(new URL('../../helm/values.yaml', import.meta.url), 'utf8')
  const { contents } = parseDocument(text)
  return isMap(contents) ? valuesIn(contents, []) : []
}

function valuesIn(map: YAMLMap, path: readonly string[]): ChartValue[] {
  return map.items.flatMap((pair, index) => {
    const key = [...path, String(pair.key)]
    // The parser attaches the comment of the first key to the whole map.
    const description = descriptionOf(pair) ?? (index === 0 ? documented(map.commentBefore) : undefined)
    if (description === undefined) return isMap(pair.value) ? valuesIn(pair.value, key) : []
    const value = isMap(pair.value) || !isScalar(pair.value) ? toPlain(pair.value) : pair.value.value
    return [{ path: key, default: value, description }]
  })
}

const descriptionOf = ({ key }: Pair) => (isScalar(key) ? documented(key.commentBefore) : undefined)

const documented = (comment: string | null | undefined) => /^ -- (.*)$/m.exec(comment ?? '')?.[1]

const toPlain = (node: unknown) => (node as { toJSON(): unknown }).toJSON()
