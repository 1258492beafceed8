import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { examples, type Manifest, manifests, only } from '../support/helm.ts'

// The compiler checks the rendered manifests against the types of Kubernetes and of the Prometheus operator.

const all = [...examples.values()].flatMap(manifests)

/** The module with the types and checks of a kind; the Prometheus operator has a separate package. */
function moduleOf({ apiVersion }: Manifest): string {
  const path = apiVersion.includes('/') ? apiVersion : `v1`
  return apiVersion.startsWith('monitoring.')
    ? `@kubernetes-models/prometheus-operator/${path}`
    : `kubernetes-models/${path}`
}

test('the compiler finds no field that its kind does not have, but a misspelled one', () => {
  const misspelled = structuredClone(only(manifests([...examples.values()][0] ?? {}), 'Deployment'))
  misspelled.spec.template.spec.containers[0].imagePullPolcy = 'Never'
  const errors = compiled([...all, misspelled])
    .trim()
    .split('\n')
  expect(errors.filter((line) => line.includes('error TS'))).toEqual([
    expect.stringMatching(/^[^(]+manifests\.ts\(\d+,\d+\): error TS\d+: .*imagePullPolcy/),
  ])
})

/** What the compiler prints about these manifests as values of their types. */
function compiled(manifests: readonly Manifest[]): string {
  // Inside the project, so that the compiler finds the packages.
  const folder = mkdtempSync('node_modules/.chart-types-')
  try {
    const constants = manifests.map((manifest, index) => [
      `import type { I${manifest.kind} as T${index} } from '${moduleOf(manifest)}'`,
      `export const m${index}: T${index} = ${JSON.stringify(manifest, undefined, 1)}`,
    ])
    writeFileSync(`${folder}/manifests.ts`, constants.flat().join('\n'))
    const options = '--ignoreConfig --noEmit --strict --skipLibCheck --module nodenext --target es2022 --pretty false'
    const args = [...options.split(' '), `${folder}/manifests.ts`]
    return spawnSync('node_modules/.bin/tsc', args, { encoding: 'utf8' }).stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}
