/// Answers with copies, files and quoted words.
enum Schema3 {
    static let answers = """
        ALTER TABLE sends ADD COLUMN details {text} NOT NULL DEFAULT '{}';

        """
}
