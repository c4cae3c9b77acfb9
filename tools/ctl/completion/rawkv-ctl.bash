# bash completion for rawkv-ctl: commands, their flags, and the values of flags that have a choice.
# tests/tools/completion_test.cc keeps it in step with the program.

# The command's words among those before the cursor, without flags and their values: "get", "snapshot pin".
_rawkv_ctl_command() {
  local -a words=()
  local i word
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    case $word in
      --) break ;;
      # readline splits at "=": --store = DIR
      =) ((++i)) ;;
      -*)
        case ${word##*-} in
          json | read_only | digest | force | sha256 | values | dry_run | drop_pins | yes | deep | repair | restart | prometheus | watch | keys | help) ;;
          *) [[ ${COMP_WORDS[i + 1]} == = || $word == *=* ]] || ((++i)) ;;
        esac
        ;;
      *) words+=("$word") ;;
    esac
  done
  case ${words[0]} in
    snapshot | wal | help) echo "${words[*]:0:2}" ;;
    *) echo "${words[0]}" ;;
  esac
}

_rawkv_ctl_flags() {
  local flags
  case $1 in
    'format') flags='initial_version device capacity slot_bytes header_bytes inline_bytes digest force snapshot_interval keep_recent wal_segment_bytes durability' ;;
    'info') flags='engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'put') flags='key_b64 file engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'get') flags='key_b64 version time out engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'del') flags='key_b64 prefix prefix_b64 from to from_b64 to_b64 yes engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'dump') flags='prefix prefix_b64 from to from_b64 to_b64 version time engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'load') flags='engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'scan') flags='prefix prefix_b64 from to from_b64 to_b64 version time limit sha256 values engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'apply') flags='engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'snapshot create') flags='engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'snapshot list') flags='engine device wait' ;;
    'snapshot verify') flags='version engine device wait' ;;
    'snapshot delete') flags='version engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'snapshot prune') flags='keep engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'snapshot pin') flags='name version time engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'snapshot unpin') flags='name version engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'rollback') flags='version time dry_run drop_pins yes engine device wait' ;;
    'export') flags='version time out chunk_bytes base list engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'import') flags='in device capacity slot_bytes header_bytes inline_bytes digest force snapshot_interval keep_recent wal_segment_bytes durability' ;;
    'wal list') flags='engine device wait' ;;
    'wal dump') flags='engine device wait' ;;
    'wal verify') flags='engine device wait' ;;
    'fsck') flags='deep repair dry_run yes engine device wait' ;;
    'stats') flags='prometheus watch engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'log') flags='key key_b64 prefix prefix_b64 from to limit keys engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'diff') flags='from to prefix prefix_b64 limit engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'scrub') flags='rate restart engine device wait read_only durability snapshot_interval keep_recent wal_segment_bytes' ;;
    'version') flags='' ;;
    'help') flags='' ;;
  esac
  local flag
  for flag in $flags store json help; do echo "--$flag"; done
}

_rawkv_ctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  [[ $current == = ]] && current=''
  [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
  COMPREPLY=()
  case $previous in
    --store | --in | --list) mapfile -t COMPREPLY < <(compgen -d -- "$current") && return ;;
    --out | --file | --device) mapfile -t COMPREPLY < <(compgen -f -- "$current") && return ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W 'auto posix io_uring nvme' -- "$current") && return ;;
    --durability) mapfile -t COMPREPLY < <(compgen -W 'synced unsafe_unsynced' -- "$current") && return ;;
  esac
  local command
  command=$(_rawkv_ctl_command)
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_rawkv_ctl_flags "$command")" -- "$current")
    return
  fi
  local commands='format info put get del scan apply dump load snapshot rollback export import wal fsck stats log diff scrub version help'
  case $command in
    '' | help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current") ;;
    snapshot | 'help snapshot')
      mapfile -t COMPREPLY < <(compgen -W 'create list verify delete prune pin unpin' -- "$current")
      ;;
    wal | 'help wal') mapfile -t COMPREPLY < <(compgen -W 'list dump verify' -- "$current") ;;
    apply | load) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
  esac
}

complete -F _rawkv_ctl rawkv-ctl
