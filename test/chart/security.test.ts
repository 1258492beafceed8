import { expect, test } from 'vitest'
import { examples, type Manifest, manifests, only, someValues } from '../support/helm.ts'

// The pods of every example are read from the rendered manifests.

const all = [...examples.values()].flatMap(manifests)
const pods = all
  .filter(({ kind }) => ['Deployment', 'CronJob'].includes(kind))
  .map(({ spec }) => (spec.jobTemplate?.spec ?? spec).template.spec)
/** The containers of this project, with their pods. */
const ours = pods.flatMap((pod) =>
  pod.containers
    .filter(({ name }: { name: string }) => ['connector', 'audit'].includes(name))
    .map((container: Manifest['spec']) => ({ pod, container })),
)

test('every pod runs as a numeric non-root user without capabilities, under the default seccomp profile', () => {
  for (const { pod, container } of ours) {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0)
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  }
})

test('no pod uses a namespace, path or port of its host, or a service account token', () => {
  for (const { pod, container } of ours) {
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod).not.toHaveProperty(field)
    for (const volume of pod.volumes) expect(volume).not.toHaveProperty('hostPath')
    for (const port of container.ports ?? []) expect(port).not.toHaveProperty('hostPort')
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
  }
})

test('every container mounts everything read-only except /tmp and the volumes of the operator', () => {
  for (const { pod, container } of ours) {
    const writable = container.volumeMounts.filter(({ readOnly }: { readOnly?: boolean }) => readOnly !== true)
    const own = writable.filter(({ name }: { name: string }) => name !== 'checkpoints')
    expect(own).toEqual([{ name: 'tmp', mountPath: '/tmp' }])
    const tmp = pod.volumes.find(({ name }: { name: string }) => name === 'tmp')
    expect(tmp.emptyDir.sizeLimit).toBeDefined()
  }
})

test('every image is pinned by version or digest', () => {
  for (const { container } of ours) expect(container.image).toMatch(/(:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$/)
})

const deployment = (values: object = {}) => only(manifests(someValues(values)), 'Deployment')

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
  expect(all.filter(({ kind }) => kind === 'Secret')).toEqual([])
})
