import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { helm, helmVersions, manifests, only, rendered, someValues } from '../support/helm.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const examples = readdirSync('helm/ci')
const served = ['1.29.0', '1.35.0']
const example = (name: string, helmVersion: '3' | '4') =>
  helm(helmVersion, ['template', 'shops', 'helm', '-n', 'retail', '-f', `helm/ci/${name}`])

describe.each(helmVersions)('Helm %s', (helmVersion) => {
  test.each(examples)('lints the chart with %s without warnings', (name) => {
    expect(helm(helmVersion, ['lint', '--strict', 'helm', '-f', `helm/ci/${name}`])).toContain('0 chart(s) failed')
  })

  test.each(examples)('renders the reviewed manifests of %s', async (name) => {
    const text = example(name, helmVersion).replaceAll(version, 'VERSION')
    await expect(text).toMatchFileSnapshot(`snapshots/${name}`)
  })

  test.each(served)('renders the same manifests for Kubernetes %s', (kubeVersion) => {
    const all = parse(readFileSync('helm/ci/full-values.yaml', 'utf8'))
    expect(rendered(helmVersion, all, ['--kube-version', kubeVersion])).toBe(rendered(helmVersion, all))
  })

  test('rejects a Kubernetes version that is too old', () => {
    expect(() => rendered(helmVersion, someValues(), ['--kube-version', '1.28.0'])).toThrow(/requires kubeVersion/)
  })
})

test('the same values always render the same manifests, so that GitOps tools see no drift', () => {
  const templates = readdirSync('helm/templates', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'))
  expect(templates.join()).not.toMatch(/\b(lookup|rand\w*|now|uuidv4|gen\w*)\b +["(.$]/)
  expect(rendered('4', someValues())).toBe(rendered('4', someValues()))
})

describe('a change of the configuration', () => {
  const template = (values: object) => only(manifests('4', someValues(values)), 'Deployment').spec.template
  const config = { connector: 'shops', http: { port: 8080 } }

  test('replaces the pods', () => {
    const changed = { ...config, log: { level: 'debug' } }
    expect(template({ config: changed })).not.toEqual(template({ config }))
  })

  test('does not include a different order of keys', () => {
    expect(template({ config: { http: { port: 8080 }, connector: 'shops' } })).toEqual(template({ config }))
  })

  test('in an existing ConfigMap replaces no pods, and the notes say so', () => {
    const values = { config, existingConfigMap: { name: 'mine', key: 'a.yaml' } }
    expect(template(values).metadata.annotations).not.toHaveProperty('checksum/config')
    expect(notes(values)).toContain('a change there does not restart the pods')
  })
})

describe('notes', () => {
  test('say what runs and how to check it, without warnings', async () => {
    await expect(notes({})).toMatchFileSnapshot('snapshots/notes.txt')
  })

  test.each([
    ['one replica', { replicaCount: 1 }, 'no other replica takes over until'],
    ['more replicas than slots', { replicaCount: 25 }, '25 replicas share 24 slots'],
    ['no resources', { resources: null }, 'resources are not set'],
    [
      'a checkpoint in the pod',
      { config: { connector: 'a', checkpoint: { url: 'file:/data/a' } } },
      'lost with the pod',
    ],
    [
      'a single process',
      { replicaCount: 1, config: { connector: 'a', placement: { mode: 'single' } } },
      'no other replica takes over',
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
