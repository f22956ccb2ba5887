public enum TextTrim {
    /// The first words on one line, at most `max` characters; cut at a character, with `…` when something is missing.
    public static func snippet(_ text: String, max: Int) -> String { "" }
}
