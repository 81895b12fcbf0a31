# fish completion for accord
# Use: accord completion fish > ~/.config/fish/completions/accord.fish
function __accord_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
complete -c accord -a '(__accord_complete)'
