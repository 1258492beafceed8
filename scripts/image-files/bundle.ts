import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

/** Not bundled: the connector patches its internals by path at start-up. */
const unbundled = 'kafkajs'

/** CommonJS packages inside an ES module need a `require`. */
const require = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`

/** What `createRequire` loads elsewhere, because it is CommonJS or seldom needed, is bundled too, and still loaded as late. */
const loadedLate: Plugin = {
  name: 'loaded late',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/connector\/.*\.ts$/ }, ({ path }) => {
      const isBundled = new RegExp(`\\bload\\('(?!${unbundled}\\b)`, 'g')
      return { loader: 'ts', contents: readFileSync(path, 'utf8').replaceAll(isBundled, `require('`) }
    }),
}

/** Bundles the connector and its dependencies into `folder`, with source maps and the status page; puts `unbundled` beside it. */
export async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: ['connector/main.ts'],
    outdir: folder,
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node24', external: [unbundled] },
    ...{ minifySyntax: true, minifyWhitespace: true, legalComments: 'none', banner: { js: require } },
    plugins: [loadedLate],
    ...{ sourcemap: true, sourcesContent: false, logLevel: 'warning' },
  })
  cpSync(join('node_modules', unbundled), join(folder, '../node_modules', unbundled), { recursive: true })
  cpSync('connector/telemetry/page/status-page.html', join(folder, 'status-page.html')) // read beside the code
  const main = join(folder, 'main.js')
  // The image has no `env`, so the interpreter needs its full path.
  writeFileSync(main, readFileSync(main, 'utf8').replace(/^#!.*/, '#!/usr/local/bin/node'))
  chmodSync(main, 0o755)
}
