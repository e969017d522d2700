// Builds (assets/toolkit/build.sh) in unit tests: without a user, and without a unit of systemd.

/** The parts of the toolkit that a script which builds needs before it. */
export const buildParts = ["claim.sh", "apps.sh", "build.sh", "python.sh"] as const;

/** Functions that replace those which need a server. */
export const withoutUnit = `
  begin_build() { build_name=$1 build_folder=$FAKE/build build_work=$FAKE/build/work; mkdir -p "$build_work"; }
  in_unit() { "$@"; }
  as_builder() { "$@"; }
  hand_over() { mv -T "$1" "$2"; }
  end_build() { rm -rf "$FAKE/build"; }
  remove_build_user() { end_build; }
  own_cache() { :; }
  chown() { :; }
  install() { [[ $1 != -d ]] || mkdir -p "\${!#}"; }
`;
