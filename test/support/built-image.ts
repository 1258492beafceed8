import type { TestProject } from 'vitest/node'
import { baseImages, buildImage, whyNoContainers } from './containers.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The built image of the connector, or why there is none. */
    image: { readonly tag: string } | { readonly why: string }
  }
}

/** What the image is told to be, as a release tells it. */
export const imageLabels = { version: '1.2.3-test', revision: '0123456789abcdef0123456789abcdef01234567' }

/** Vitest's global setup: the image, built once for a whole run. */
export async function setup({ provide }: TestProject): Promise<void> {
  const why = whyNoContainers()
  if (why !== undefined) {
    console.warn(`NOT RUN: what needs a container, because ${why}`)
    return provide('image', { why })
  }
  const tag = 'localhost/polaris-clients-connector:test'
  console.log(`building ${tag} on ${baseImages().join(' ')}`)
  await buildImage({ target: 'connector', tag, labels: imageLabels })
  provide('image', { tag })
}
