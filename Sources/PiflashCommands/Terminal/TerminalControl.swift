/// What piflash itself sends to steer a terminal (ECMA-48). No other text reaches one with control characters in it: see
/// ``Console``.
enum TerminalControl {
    /// To the beginning of the line, which is erased.
    case eraseLine
    /// So many lines up, and everything from there on is erased.
    case eraseLines(Int)
    /// To the upper left, and everything is erased.
    case eraseScreen
    case bell

    var sequence: String {
        switch self {
        case .eraseLine: "\r\u{1B}[K"
        case .eraseLines(let count): "\r\u{1B}[\(count)A\u{1B}[J"
        case .eraseScreen: "\u{1B}[H\u{1B}[2J"
        case .bell: "\u{7}"
        }
    }
}
