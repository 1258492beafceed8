# What the recipes in contract/recipes/ need besides the demo: the packages that the manifests in their folders pin.

for_recipes() {
  local name folder jars
  for name in "$@"; do
    [ -f "contract/recipes/$name/run.ts" ] || fail "no recipe $name"
    [ ! -f "contract/recipes/$name/requirements.txt" ] || need_venv
    [ ! -f "contract/recipes/$name/pom.xml" ] || { need mvn maven; need javac default-jdk-headless; }
  done
  for_demo
  for name in "$@"; do
    folder=contract/recipes/$name
    [ ! -f "$folder/requirements.txt" ] || python_packages "$folder/requirements.txt" "recipe-$name"
    jars=recipe-$name
    [ ! -f "$folder/requirements.txt" ] || jars=$jars-jars
    [ ! -f "$folder/pom.xml" ] || recipe_jars "$folder" "$jars"
    [ ! -f "$folder/package.json" ] || recipe_npm_packages "$folder"
  done
}

recipe_jars() {
  local folder=$2-$(sha256sum "$1/pom.xml" | cut -c1-12)
  if [ ! -d "$cache/$folder" ]; then
    say "fetching the jars of $1/pom.xml from Maven Central"
    new_folder
    mvn -q -B -Dstyle.color=never -f "$1/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$new"
    in_place "$folder"
  fi
  link "$folder" "$2"
}

recipe_npm_packages() {
  if cmp -s "$1/package-lock.json" "$1/node_modules/.installed-package-lock.json"; then return; fi
  say "installing the npm packages of $1"
  npm ci --prefix "$1" --no-audit --no-fund --loglevel=error >/dev/null
  cp "$1/package-lock.json" "$1/node_modules/.installed-package-lock.json"
}
