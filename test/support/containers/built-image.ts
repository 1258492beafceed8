import type { TestProject } from 'vitest/node'
import { baseImages, buildImage, whyNoContainers } from './containers.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The built image of the connector, or the reason why it could not be built. */
    image: { readonly tag: string } | { readonly why: string }
  }
}

/** Vitest's global setup: builds the image once per run. */
export async function setup({ provide }: TestProject): Promise<void> {
  const why = whyNoContainers()
  if (why !== undefined) {
    console.warn(`SKIPPED: tests that need a container, because ${why}`)
    return provide('image', { why })
  }
  const tag = 'localhost/polaris-clients-connector:test'
  console.log(`building ${tag} on ${baseImages().join(' ')}`)
  await buildImage({ target: 'connector', tag })
  provide('image', { tag })
}
