import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Manifest, manifests } from '../support/helm.ts'

const examples = readdirSync('helm/ci').flatMap((name) =>
  manifests('4', parse(readFileSync(`helm/ci/${name}`, 'utf8'))).map((manifest) => ({
    name: `${manifest.kind} ${manifest.metadata.name} of ${name}`,
    manifest,
  })),
)

/** The module with the types and checks of a kind; the Prometheus operator has a separate package. */
function moduleOf({ apiVersion }: Manifest): string {
  const path = apiVersion.includes('/') ? apiVersion : `v1`
  return apiVersion.startsWith('monitoring.')
    ? `@kubernetes-models/prometheus-operator/${path}`
    : `kubernetes-models/${path}`
}

describe('every manifest has the required fields of its kind, with the right types', () => {
  test.each(examples)('$name', async ({ manifest }) => {
    const kinds = await import(moduleOf(manifest))
    expect(() => new kinds[manifest.kind](manifest).validate()).not.toThrow()
  })
})

describe('the compiler', () => {
  const check = (all: readonly Manifest[]) => {
    // Inside the project, so that the compiler finds the packages.
    const folder = mkdtempSync('node_modules/.chart-types-')
    try {
      const constants = all.map((manifest, index) => [
        `import type { I${manifest.kind} as T${index} } from '${moduleOf(manifest)}'`,
        `export const m${index}: T${index} = ${JSON.stringify(manifest, undefined, 1)}`,
      ])
      writeFileSync(`${folder}/manifests.ts`, constants.flat().join('\n'))
      const options = [
        '--ignoreConfig',
        '--noEmit',
        '--strict',
        '--skipLibCheck',
        '--module',
        'nodenext',
        '--target',
        'es2022',
      ]
      execFileSync('node_modules/.bin/tsc', [...options, `${folder}/manifests.ts`], { stdio: 'pipe' })
    } catch (error) {
      return String((error as { stdout: Buffer }).stdout)
    } finally {
      rmSync(folder, { recursive: true })
    }
    return ''
  }

  test('finds no field that its kind does not have', () =>
    expect(check(examples.map(({ manifest }) => manifest))).toBe(''))

  test('finds a misspelled field', () => {
    const deployment = structuredClone(examples.find(({ manifest }) => manifest.kind === 'Deployment')?.manifest)
    if (deployment === undefined) throw new Error('no Deployment')
    deployment.spec.template.spec.containers[0].imagePullPolcy = 'Never'
    expect(check([deployment])).toContain('imagePullPolcy')
  })
})
