import Text

/// What a variable's value may be where it is more than text: in a shell command of the node, in a command of this computer,
/// and in the path of a file.
enum VariableUse: Sendable {
    case text
    /// A line of `first_boot.run` or `after_swarm`.
    case shell
    /// A word of `!command`: the program, one that an interpreter runs, or another one.
    case program, code, argument
    /// The path of a file on this computer.
    case path
    /// The name of a variable of this computer's environment.
    case environment

    /// Keys whose text is the path of a file on this computer, from the recipe's root.
    private static let paths: Set<[String]> = [
        ["image", "source"], ["docker", "packages"], ["docker", "preload"], ["swarm", "stacks", "compose"],
    ]

    /// The use of the text below `keys`.
    init(below keys: [String], tag: String?) {
        switch tag {
        case "!file": self = .path
        case "!env": self = .environment
        case "!command": self = .argument
        case nil where keys == ["first_boot", "run"] || keys == ["first_boot", "after_swarm"]: self = .shell
        case nil where Self.paths.contains(keys): self = .path
        default: self = .text
        }
    }

    /// Programs that run one of their arguments as a program, with the letters of the options in front of it; with none of
    /// these, all arguments become one command line.
    private static let interpreters: [String: String] = [
        "sh": "c", "bash": "c", "dash": "c", "ash": "c", "ksh": "c", "zsh": "c", "fish": "c", "python": "c",
        "python3": "c",
        "perl": "eE", "ruby": "e", "node": "ep", "php": "r", "lua": "e", "su": "", "runuser": "", "ssh": "", "eval": "",
        "trap": "",
        "let": "", "script": "",
        "awk": "", "gawk": "", "mawk": "", "sed": "",
    ]
    /// Programs that run their arguments as a command.
    private static let prefixes: Set = [
        "env", "sudo", "nohup", "nice", "timeout", "setsid", "xargs", "busybox", "exec",
    ]

    private static func name(_ word: String) -> String { String(word.split(at: "/").last ?? "") }

    /// Whether the word behind `words` of a command is the program that runs.
    static func isProgram(after words: [String]) -> Bool {
        words.allSatisfy { word in
            prefixes.contains(name(word)) || word.begins(with: "-") || word.contains(scalar: "=")
                || isNumber(word)
        }
    }

    static func isNumber(_ word: String) -> Bool { word.utf8.allSatisfy { (0x30...0x39).contains($0) } }

    /// Whether the word behind `words` of a command is read by an interpreter.
    static func isCode(after words: [String]) -> Bool {
        guard let position = words.firstIndex(where: { interpreters[name($0)] != nil }),
            let letters = interpreters[name(words[position])]
        else { return false }
        guard !letters.isEmpty, let option = words[(position + 1)...].last else { return true }
        return option.begins(with: "-") && letters.utf8.contains(option.utf8.last ?? 0)
    }
}

extension VariableUse {
    /// Letters, digits, "_", ".", "@" and "-", not in front: no shell, path or option takes any of it for more than text.
    static func isPlain(_ value: String) -> Bool {
        value.utf8.first != UInt8(ascii: "-") && !value.isEmpty
            && value.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "_.@-".utf8.contains(byte)
                }
            }
    }

    /// What is wrong with a column's value as a part of a file's path; nil if nothing is.
    static func pathProblem(_ value: String) -> String? {
        if value.contains(scalar: "/") { return "has a \"/\", and would lead to another directory" }
        if value.begins(with: ".") || value.begins(with: "~") { return "begins with \"\(value.prefix(1))\"" }
        return value.unicodeScalars.contains(where: \.isControl) ? "has a control character" : nil
    }
}
