import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { examples, type Manifest, manifestsIn, rendered } from '../support/helm.ts'
import { type Kubectl, startApiServer } from '../support/servers/api-server.ts'

// A real API server accepts the rendered chart.

const closing = closeStack()
let kubectl: Kubectl
beforeAll(async () => {
  kubectl = await startApiServer(closing)
  await kubectl(['apply', '--server-side', '-f', '.cache/kubernetes/definitions'])
  await kubectl(['wait', '--for=condition=Established', 'customresourcedefinition', '--all', '--timeout=30s'])
  await kubectl(['create', 'namespace', 'retail'])
  await kubectl(['label', 'namespace', 'retail', 'pod-security.kubernetes.io/enforce=restricted'])
})
afterAll(() => closing.close())

/** What the server would do with the manifests: nothing is stored. Rejects on an unknown or invalid field. */
const wouldApply = (manifests: string) =>
  kubectl(['apply', '--server-side', '--dry-run=server', '--validate=strict', '-n', 'retail', '-f', '-'], manifests)

/** The pods of the Deployment, and of the job. */
const podsOf = (all: readonly Manifest[]) =>
  all.flatMap(({ spec }) => {
    const template = spec?.jobTemplate?.spec.template ?? spec?.template
    if (template === undefined) return []
    return [{ apiVersion: 'v1', kind: 'Pod', ...template, metadata: { name: 'pod', ...template.metadata } }]
  })

test.each([...examples])('the API server accepts every manifest and every field of %s', async (_, values) => {
  const text = rendered(values)
  const manifests = manifestsIn(text)
  expect((await wouldApply(text)).trim().split('\n')).toHaveLength(manifests.length)
  const misspelled = text.replace('imagePullPolicy', 'imagePullPolcy')
  await expect(wouldApply(misspelled)).rejects.toThrow(/imagePullPolcy/)
})

test.each([...examples])('the pods of %s are admitted under Pod Security "restricted"', async (_, values) => {
  const pods = podsOf(manifestsIn(rendered(values)))
  expect(pods).not.toEqual([])
  for (const pod of pods) {
    expect(await wouldApply(JSON.stringify(pod))).toMatch(/^pod\/pod serverside-applied/)
    const asRoot = { ...pod, spec: { ...pod.spec, securityContext: { runAsNonRoot: false } } }
    await expect(wouldApply(JSON.stringify(asRoot))).rejects.toThrow(/violates PodSecurity "restricted/)
  }
})
