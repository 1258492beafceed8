import { readFileSync } from 'node:fs'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** `helm/Chart.yaml` with the version of package.json as version of both chart and application. */
export function chartYaml(): string {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  return read('helm/Chart.yaml').replaceAll(/^(version|appVersion): .*$/gm, `$1: ${version}`)
}
