import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { helm, helmVersions, manifests, only, rendered, someValues } from '../support/helm.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const examples = readdirSync('helm/ci')
const served = [29, 30, 31, 32, 33, 34, 35].map((minor) => `1.${minor}.0`)
const example = (name: string, helmVersion: '3' | '4') =>
  helm(helmVersion, ['template', 'shops', 'helm', '-n', 'retail', '-f', `helm/ci/${name}`])

describe.each(helmVersions)('Helm %s', (helmVersion) => {
  test.each(examples)('finds nothing to complain about with %s', (name) => {
    expect(helm(helmVersion, ['lint', '--strict', 'helm', '-f', `helm/ci/${name}`])).toContain('0 chart(s) failed')
  })

  test.each(examples)('makes the manifests of %s that were looked through', async (name) => {
    const text = example(name, helmVersion).replaceAll(version, 'VERSION')
    await expect(text).toMatchFileSnapshot(`snapshots/${name}`)
  })

  test.each(served)('serves Kubernetes %s with the same manifests', (kubeVersion) => {
    const all = parse(readFileSync('helm/ci/full-values.yaml', 'utf8'))
    expect(rendered(helmVersion, all, ['--kube-version', kubeVersion])).toBe(rendered(helmVersion, all))
  })

  test('does not serve a Kubernetes that is too old', () => {
    expect(() => rendered(helmVersion, someValues(), ['--kube-version', '1.28.0'])).toThrow(/requires kubeVersion/)
  })
})

test('the same values always give the same manifests, so that nothing drifts under GitOps', () => {
  const templates = readdirSync('helm/templates', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'))
  expect(templates.join()).not.toMatch(/\b(lookup|rand\w*|now|uuidv4|gen\w*)\b +["(.$]/)
  expect(rendered('4', someValues())).toBe(rendered('4', someValues()))
})

describe('a change of the configuration', () => {
  const template = (values: object) => only(manifests('4', someValues(values)), 'Deployment').spec.template
  const config = { connector: 'shops', http: { port: 8080 } }

  test('rolls the pods', () => {
    const changed = { ...config, http: { port: 8080, readyAfter: '3m' } }
    expect(template({ config: changed })).not.toEqual(template({ config }))
  })

  test('is the only one that does: the order of keys does not', () => {
    expect(template({ config: { http: { port: 8080 }, connector: 'shops' } })).toEqual(template({ config }))
  })

  test('in an existing ConfigMap rolls nothing, and the notes say so', () => {
    const values = { config, existingConfigMap: { name: 'mine', key: 'a.yaml' } }
    expect(template(values).metadata.annotations).not.toHaveProperty('checksum/config')
    expect(notes(values)).toContain('a change there rolls nothing')
  })
})

test('all of a release is in one namespace, be it another than that of the release', () => {
  const full = parse(readFileSync('helm/ci/full-values.yaml', 'utf8'))
  const values = { ...full, namespaceOverride: 'wholesale', dashboard: { enabled: true }, extraObjects: [] }
  const all = manifests('4', values)
  expect(all.length).toBeGreaterThan(8)
  expect(all.map(({ metadata }) => metadata.namespace)).toEqual(all.map(() => 'wholesale'))
  expect(JSON.stringify(all)).not.toContain('retail\\"') // the rules select by it
  expect(notes({ namespaceOverride: 'wholesale' })).not.toMatch(/kubectl [a-z-]+ -n retail/)
})

describe('notes', () => {
  test('say what runs, how to check it, and nothing to be afraid of', async () => {
    await expect(notes({})).toMatchFileSnapshot('snapshots/notes.txt')
  })

  test.each([
    ['one replica', { replicaCount: 1 }, 'nobody takes over until'],
    ['more replicas than slots', { replicaCount: 25 }, '25 replicas share 24 slots'],
    ['no resources', { resources: null }, 'no resources'],
    [
      'a checkpoint in the pod',
      { config: { connector: 'a', checkpoint: { url: 'file:/data/a' } } },
      'lost with the pod',
    ],
    ['doubles', { config: { connector: 'a', kafka: { delivery: 'at-least-once' } } }, 'events may come twice'],
    [
      'a single process',
      { replicaCount: 1, config: { connector: 'a', placement: { mode: 'single' } } },
      'nobody takes over',
    ],
  ])('warn of %s', (_, values, warning) => {
    expect(notes(values)).toMatch(new RegExp(`WARNING: .*${warning}`))
  })
})

function notes(values: object): string {
  const input = JSON.stringify(someValues(values))
  const text = helm('4', ['install', 'shops', 'helm', '-n', 'retail', '--dry-run=client', '-f', '-'], input)
  return text.slice(text.indexOf('NOTES:'))
}
