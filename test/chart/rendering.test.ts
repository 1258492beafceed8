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

// Helm renders the chart with the example values, and the manifests and notes are compared.

test.each(helmVersions)('Helm %s lints the chart with every example without warnings', (helmVersion) => {
  for (const name of examples.keys())
    expect(helm(helmVersion, ['lint', '--strict', 'helm', '-f', `helm/ci/${name}`])).toContain('0 chart(s) failed')
})

test('Helm 3 renders the same manifests as Helm 4', () => {
  for (const values of examples.values())
    expect(manifestsIn(rendered(values, [], '3'))).toEqual(manifestsIn(rendered(values)))
})

test('with the smallest values, two replicas behind the Service run the connector with the configuration', () => {
  const all = manifests(someValues())
  const { replicas, strategy, selector, template } = only(all, 'Deployment').spec
  expect({ replicas, strategy }).toMatchObject({ replicas: 2, strategy: { rollingUpdate: { maxUnavailable: 0 } } })
  const selected = [selector, only(all, 'PodDisruptionBudget').spec.selector, only(all, 'Service').spec.selector]
  for (const { matchLabels, ...labels } of selected)
    expect(template.metadata.labels).toMatchObject(matchLabels ?? labels)
  const [{ args, volumeMounts }] = template.spec.containers
  expect(args).toEqual(['run', '--config', '/etc/polaris-connector/connector.yaml'])
  expect(volumeMounts).toContainEqual({ name: 'config', mountPath: '/etc/polaris-connector', readOnly: true })
  const config = { name: 'config', configMap: { name: only(all, 'ConfigMap').metadata.name } }
  expect(template.spec.volumes).toContainEqual(config)
  expect(template.spec.serviceAccountName).toBe(only(all, 'ServiceAccount').metadata.name)
})

test('renders the same manifests each time and for every supported Kubernetes version, and rejects an older one', () => {
  for (const kubeVersion of ['1.29.0', '1.35.0'])
    expect(rendered(full, ['--kube-version', kubeVersion])).toBe(rendered(full))
  expect(() => rendered(someValues(), ['--kube-version', '1.28.0'])).toThrow(/requires kubeVersion/)
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
  [
    'a checkpoint in the pod',
    { replicaCount: 1, config: { connector: 'a', checkpoint: { url: 'file:/data/a' } } },
    'lost with the pod',
  ],
])('the notes warn of %s', (_, values, warning) => {
  expect(notes(values)).toMatch(new RegExp(`WARNING: .*${warning}`))
})

function notes(values: object): string {
  const input = JSON.stringify(someValues(values))
  const text = helm('4', ['install', 'shops', 'helm', '-n', 'retail', '--dry-run=client', '-f', '-'], input)
  return text.slice(text.indexOf('NOTES:'))
}
