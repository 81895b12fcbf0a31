#compdef accord
# zsh completion for accord
# Use: accord completion zsh > "${fpath[1]}/_accord"
_accord() {
    local -a found
    local candidate meaning
    while IFS=$'\t' read -r candidate meaning; do
        found+=("${candidate//:/\\:}:${meaning}")
    done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( $#found )); then
        _describe accord found
    else
        _files
    fi
}
if [ "$funcstack[1]" = _accord ]; then
    _accord "$@"
else
    compdef _accord accord
fi
