import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Its internals are patched by path at the start, so it stays as it is published. */
const unbundled = 'kafkajs'

/** What CommonJS packages in an ES module miss. */
const require = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`

/** Writes the connector and its dependencies to `folder` as a few modules with source maps; what cannot be bundled goes beside it. */
export async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: ['connector/main.ts'],
    outdir: folder,
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node24', external: [unbundled] },
    ...{ minifySyntax: true, minifyWhitespace: true, legalComments: 'none', banner: { js: require } },
    ...{ sourcemap: true, sourcesContent: false, logLevel: 'warning' },
  })
  cpSync(join('node_modules', unbundled), join(folder, '../node_modules', unbundled), { recursive: true })
  const main = join(folder, 'main.js')
  // An image without a shell has no `env` either.
  writeFileSync(main, readFileSync(main, 'utf8').replace(/^#!.*/, '#!/usr/local/bin/node'))
  chmodSync(main, 0o755)
}
