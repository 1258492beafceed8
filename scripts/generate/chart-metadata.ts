import { readFileSync } from 'node:fs'
import { type SchemaNode, schemaTree, settingList } from '../../connector/config/setting-list.ts'

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

/** The variables that the connector reads, in place of which `NAME_FILE` may be set. */
export function configVariables(): string {
  const ofSettings = settingList().flatMap(({ variable, fallback }) => [variable, fallback])
  const names = ofSettings.filter((name) => name !== undefined)
  return `${JSON.stringify([...new Set(names)].toSorted(), undefined, 2)}\n`
}

function defaultsBelow({ properties = {} }: SchemaNode): object {
  const entries = Object.entries(properties).flatMap(([key, node]): [string, unknown][] => {
    if (node.items !== undefined) return []
    if (node.kind === undefined) return [[key, defaultsBelow(node)]]
    return node.default === undefined ? [] : [[key, node.default]]
  })
  return Object.fromEntries(entries)
}
