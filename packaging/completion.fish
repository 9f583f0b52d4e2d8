# SPDX-License-Identifier: MIT
# fish completion of rimg; made by `make install`, the tables at the end from rimg's own

# the words of the line that are not options, without the program's name
function __rimg_words
    set -l tokens (commandline -opc)
    string match -v -- '-*' $tokens[2..-1]
end

# is this the command? "": any
function __rimg_is
    test -z "$argv[1]"; and return 0
    set -l words (__rimg_words)
    string match -q -- "$argv[1] *" "$words[1] $words[2] "
end

# is a command wanted now? "": its first word, else the second of this group
function __rimg_wants
    set -l words (__rimg_words)
    test "$words[1]" = help; and set -e words[1]
    test "$words" = "$argv[1]"
end

# addresses that go on with what is typed
function __rimg_steps
    set -l address (commandline -ct)
    string match -q -- '*::*' $address; or return
    set -l slash ''
    set -l base (string replace -r -- '::[^:]*$' '::' $address)
    set -l parent (string replace -r -- '::$' '' $base)
    if string match -qr -- '::/[^:]*$' $address
        set base (string replace -r -- '[^/]*$' '' $address)
        set parent (string replace -r -- '(::)?/$' '' $base)
    else
        set slash /
    end
    # mode or type, links, owner, size, time, name
    for line in (rimg ls -lq -- $parent 2>/dev/null)
        set -l name (string replace -r -- '^[^ ]+( +[^ ]+){4} ' '' $line)
        switch $line
            case 'partition *' 'section *' 'segment *' 'function *'
                echo $base$name
            case 'd*'
                echo $base$slash$name/
            case 'l*'
                echo $base$slash(string replace -r -- ' -> .*' '' $name)
            case '*'
                echo $base$slash$name
        end
    end
end

complete -c rimg -n '__rimg_wants ""' -f
complete -c rimg -n '__rimg_wants verify' -f
complete -c rimg -n 'string match -q -- "*::*" (commandline -ct)' -f
complete -c rimg -n '__rimg_wants ""' -f -a verify -d 'judge an image'
complete -c rimg -n '__rimg_wants ""' -f -a help -d 'explain a command'
complete -c rimg -n 'not __rimg_wants ""; and not __rimg_wants verify' -a '(__rimg_steps)'
complete -c rimg-build -w 'rimg build'
complete -c rimg-diff -w 'rimg diff'
complete -c rimg-verify -w 'rimg verify'

# ---- made from the commands' tables
