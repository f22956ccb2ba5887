/// Orders whose shop does not say when it changed them.
enum Schema12 {
    static let orders = """
        ALTER TABLE orders ADD COLUMN revised_until {int};

        """
}
