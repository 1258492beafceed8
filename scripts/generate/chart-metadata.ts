import { readFileSync } from 'node:fs'
import { type SchemaNode, schemaTree } from '../../connector/config/setting-list.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** `helm/Chart.yaml` with the version of package.json as version of both chart and application. */
export function chartYaml(): string {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  return read('helm/Chart.yaml').replaceAll(/^(version|appVersion): .*$/gm, `$1: ${version}`)
}

/** The defaults of the settings outside streams, which the templates use if `config` does not set them. */
export function configDefaults(): string {
  return `${JSON.stringify(defaultsBelow(schemaTree()), undefined, 2)}\n`
}

function defaultsBelow({ properties = {} }: SchemaNode): object {
  const entries = Object.entries(properties).flatMap(([key, node]): [string, unknown][] => {
    if (node.items !== undefined) return []
    if (node.kind === undefined) return [[key, defaultsBelow(node)]]
    return node.default === undefined ? [] : [[key, node.default]]
  })
  return Object.fromEntries(entries)
}
