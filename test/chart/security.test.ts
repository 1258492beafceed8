import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Manifest, manifests, someValues } from '../support/helm.ts'

const examples = readdirSync('helm/ci').map((name) => ({
  name,
  all: manifests('4', parse(readFileSync(`helm/ci/${name}`, 'utf8'))),
}))
const workloads = examples.flatMap(({ name, all }) =>
  all
    .filter(({ kind }) => ['Deployment', 'CronJob'].includes(kind))
    .map(({ kind, spec }) => ({ name: `the ${kind} of ${name}`, pod: (spec.jobTemplate?.spec ?? spec).template.spec })),
)
const ours = (pod: { containers: Manifest['spec'][] }) =>
  pod.containers.filter(({ name }) => ['connector', 'audit'].includes(name))

describe.each(workloads)('$name', ({ pod }) => {
  test('runs as a numeric non-root user without capabilities, under the default seccomp profile', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0)
    for (const { securityContext } of ours(pod)) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    }
  })

  test('uses no namespace, path or port of its host', () => {
    expect(pod).not.toHaveProperty('hostNetwork')
    expect(pod).not.toHaveProperty('hostPID')
    expect(pod).not.toHaveProperty('hostIPC')
    for (const volume of pod.volumes) expect(volume).not.toHaveProperty('hostPath')
    for (const container of ours(pod)) {
      expect((container.ports ?? []).filter((port: object) => 'hostPort' in port)).toEqual([])
    }
  })

  test('has no service account token and no variables of other services', () => {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
  })

  test('mounts everything read-only except /tmp and the volumes of the operator', () => {
    for (const { volumeMounts } of ours(pod)) {
      const writable = volumeMounts.filter(({ readOnly }: { readOnly?: boolean }) => readOnly !== true)
      const own = writable.filter(({ name }: { name: string }) => name !== 'checkpoints')
      expect(own).toEqual([{ name: 'tmp', mountPath: '/tmp' }])
    }
    const tmp = pod.volumes.find(({ name }: { name: string }) => name === 'tmp')
    expect(tmp.emptyDir.sizeLimit).toBeDefined()
  })

  test('pins its image by version or digest', () => {
    for (const { image } of ours(pod)) expect(image).toMatch(/(:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$/)
  })
})

const deployment = (values: object = {}) =>
  manifests('4', someValues(values)).find(({ kind }) => kind === 'Deployment') as Manifest

test('memory has a request and a limit, CPU only a request', () => {
  const [{ resources }] = deployment().spec.template.spec.containers
  expect(resources).toEqual({ requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '384Mi' } })
})

test('only /healthz can restart a pod; it does not depend on Polaris, Kafka or S3', () => {
  const [container] = deployment().spec.template.spec.containers
  const pathOf = (probe: string) => container[probe].httpGet
  expect(pathOf('livenessProbe')).toEqual({ path: '/healthz', port: 'http' })
  expect(pathOf('startupProbe')).toEqual({ path: '/healthz', port: 'http' })
  expect(pathOf('readinessProbe')).toEqual({ path: '/readyz', port: 'http' })
})

test('the selector never changes, since Kubernetes rejects a change of it', () => {
  const changed = { commonLabels: { a: 'b' }, podLabels: { c: 'd' }, image: { pullPolicy: 'Never', tag: '9.9.9' } }
  expect(deployment(changed).spec.selector).toEqual(deployment().spec.selector)
})

test('the chart creates no Secret', () => {
  for (const { all } of examples) expect(all.filter(({ kind }) => kind === 'Secret')).toEqual([])
})
