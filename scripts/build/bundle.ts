import { chmodSync, cpSync, globSync, readFileSync, rmSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

/** Not bundled: the connector patches its internals by path at start-up. */
export const unbundled = 'kafkajs'

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

/**
 * Modules of Node, taken as they are. An `import` reads every property of a module, and some load more: the WebSocket of
 * `node:http` loads undici. `main.ts` must load on any Node.
 */
const ofNode: Plugin = {
  name: 'modules of Node',
  setup: ({ onResolve, onLoad }) => {
    const known = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]))
    onResolve({ filter: /^[a-z:/_0-9]+$/ }, ({ path, importer }) =>
      known.has(path) && !importer.endsWith('/connector/main.ts') ? { path, namespace: 'node' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }))
  },
}

/**
 * Bundles the connector and its dependencies but `unbundled` into `folder`, with source maps and the status page. Its
 * constants have an entry of their own, for tests that shorten times.
 */
export async function bundle(folder: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: ['connector/main.ts', 'connector/config/connector-config.ts'],
    outdir: folder,
    outbase: 'connector',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    // ES modules, of which esbuild leaves out what nobody calls: HTTP/2 of the S3 client alone takes 5 MB.
    mainFields: ['module', 'main'],
    target: 'node24',
    external: [unbundled],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    banner: { js: require },
    plugins: [loadedLate, ofNode],
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    metafile: true,
  })
  cpSync('connector/telemetry/page', join(folder, 'page'), { recursive: true }) // read beside the code
  chmodSync(join(folder, 'main.js'), 0o755)
  const built = new Set(Object.keys(metafile.outputs).map((name) => resolve(name)))
  const isFormer = (name: string) => !built.has(resolve(name))
  for (const name of globSync(join(folder, '**/*.js{,.map}')).filter(isFormer)) rmSync(name)
}
