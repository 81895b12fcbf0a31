# bash completion for accord
# Use: source <(accord completion bash)
_accord() {
    local candidate meaning
    COMPREPLY=()
    while IFS=$'\t' read -r candidate meaning; do
        COMPREPLY+=("$candidate")
    done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _accord accord
