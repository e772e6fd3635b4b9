def main() -> None:
    print("veche")
