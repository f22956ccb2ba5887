/// The part of a `style` attribute that can only change how its own element looks.
enum SafeStyle {
    static let bytesMax = 4000
    private static let properties: Set<String> = [
        "color", "background-color", "font", "font-family", "font-size", "font-style", "font-weight", "font-variant", "line-height",
        "letter-spacing",
        "text-align", "text-decoration", "text-indent", "text-transform", "vertical-align", "white-space", "word-break", "word-wrap",
        "overflow-wrap", "margin", "margin-top", "margin-right", "margin-bottom", "margin-left", "padding", "padding-top", "padding-right",
        "padding-bottom", "padding-left", "border", "border-top", "border-right", "border-bottom", "border-left", "border-color",
        "border-style",
        "border-width", "border-collapse", "border-spacing", "border-radius", "width", "max-width", "min-width", "height", "max-height",
        "list-style-type", "table-layout", "direction",
    ]
    private static let functions: Set<String> = ["rgb", "rgba", "hsl", "hsla"]

    static func filtered(_ style: String) -> String {
        guard style.utf8.count <= bytesMax else { return "" }
        var kept: [String] = []
        for declaration in style.utf8.split(separator: 0x3B) {
            guard let colon = declaration.firstIndex(of: 0x3A) else { continue }
            let name = ASCII.lowercased(ASCII.trim(String(decoding: declaration[..<colon], as: UTF8.self)))
            let value = ASCII.trim(String(decoding: declaration[declaration.index(after: colon)...], as: UTF8.self))
            if properties.contains(name), isSafe(value, of: name) { kept.append("\(name): \(value)") }
        }
        return kept.joined(separator: "; ")
    }

    /// No escapes, comments, addresses or functions other than colours; nothing that pulls an element out of its place.
    private static func isSafe(_ value: String, of name: String) -> Bool {
        guard !value.isEmpty else { return false }
        var word: [UInt8] = []
        for byte in value.utf8 {
            switch byte {
            case 0x28:
                guard functions.contains(String(decoding: word, as: UTF8.self)) else { return false }
                word = []
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: word.append(ASCII.lower(byte))
            case 0x2D where name.hasPrefix("margin") || name == "text-indent": return false
            case 0x20, 0x21, 0x22, 0x23, 0x25, 0x27, 0x29, 0x2B, 0x2C, 0x2D, 0x2E, 0x80...: word = []
            default: return false
            }
        }
        return true
    }
}
