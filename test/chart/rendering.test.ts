import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  examples,
  full,
  helm,
  helmVersions,
  manifests,
  manifestsIn,
  only,
  rendered,
  someValues,
} from '../support/helm.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

test.each(helmVersions)('Helm %s lints the chart with every example without warnings', (helmVersion) => {
  for (const name of examples.keys())
    expect(helm(helmVersion, ['lint', '--strict', 'helm', '-f', `helm/ci/${name}`])).toContain('0 chart(s) failed')
})

test('Helm 3 renders the same manifests as Helm 4', () => {
  for (const values of examples.values())
    expect(manifestsIn(rendered(values, [], '3'))).toEqual(manifestsIn(rendered(values)))
})

test('renders the reviewed manifests of the smallest values', async () => {
  const text = helm('4', ['template', 'shops', 'helm', '-n', 'retail', '-f', 'helm/ci/minimal-values.yaml'])
  await expect(text.replaceAll(version, 'VERSION')).toMatchFileSnapshot('snapshots/minimal-values.yaml')
})

test('renders the same manifests for every supported Kubernetes version, and rejects an older one', () => {
  for (const kubeVersion of ['1.29.0', '1.35.0'])
    expect(rendered(full, ['--kube-version', kubeVersion])).toBe(rendered(full))
  expect(() => rendered(someValues(), ['--kube-version', '1.28.0'])).toThrow(/requires kubeVersion/)
})

test('the same values always render the same manifests, so that GitOps tools see no drift', () => {
  const templates = readdirSync('helm/templates', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'))
  expect(templates.join()).not.toMatch(/\b(lookup|rand\w*|now|uuidv4|gen\w*)\b +["(.$]/)
})

describe('a change of the configuration', () => {
  const template = (values: object) => only(manifests(someValues(values)), 'Deployment').spec.template
  const config = { connector: 'shops', http: { port: 8080 } }

  test('replaces the pods, unless only the order of keys changes', () => {
    expect(template({ config: { ...config, log: { level: 'debug' } } })).not.toEqual(template({ config }))
    expect(template({ config: { http: { port: 8080 }, connector: 'shops' } })).toEqual(template({ config }))
  })

  test('in an existing ConfigMap replaces no pods, and the notes say so', () => {
    const values = { config, existingConfigMap: { name: 'mine', key: 'a.yaml' } }
    expect(template(values).metadata.annotations).not.toHaveProperty('checksum/config')
    expect(notes(values)).toContain('a change there does not restart the pods')
  })
})

test('the notes say what runs and how to check it, without warnings', async () => {
  await expect(notes({})).toMatchFileSnapshot('snapshots/notes.txt')
})

test.each([
  ['one replica', { replicaCount: 1 }, 'no other replica takes over until'],
  ['more replicas than slots', { replicaCount: 25 }, '25 replicas share 24 slots'],
  ['no resources', { resources: null }, 'resources are not set'],
  ['a checkpoint in the pod', { config: { connector: 'a', checkpoint: { url: 'file:/data/a' } } }, 'lost with the pod'],
])('the notes warn of %s', (_, values, warning) => {
  expect(notes(values)).toMatch(new RegExp(`WARNING: .*${warning}`))
})

function notes(values: object): string {
  const input = JSON.stringify(someValues(values))
  const text = helm('4', ['install', 'shops', 'helm', '-n', 'retail', '--dry-run=client', '-f', '-'], input)
  return text.slice(text.indexOf('NOTES:'))
}
